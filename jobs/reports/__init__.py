"""The consolidated report and the urging letter, as documents."""
