"""Enrolment, invitations, channels of a person, reminding at once."""
