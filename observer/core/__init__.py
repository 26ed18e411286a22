"""Values and decisions: no clock, disk, log or thread."""
