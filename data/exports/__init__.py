"""The whole record as pages of a workbook or JSON."""
