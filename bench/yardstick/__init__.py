"""The one yardstick: every ratio is measured in one run, in turn, medians of several rounds."""
