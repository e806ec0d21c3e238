#!/usr/bin/env python3
"""Writes src/gesso/domain/common_passwords.inc: the 3,000 commonest passwords of 8 characters and more.

The list is zxcvbn's (PyPI `zxcvbn`, MIT), which is ordered by how often each was found in leaks:

    pip install zxcvbn && tools/common_passwords.py > src/gesso/domain/common_passwords.inc
"""
from zxcvbn.frequency_lists import FREQUENCY_LISTS

COUNT = 3000
WIDTH = 94

words = [w for w in FREQUENCY_LISTS["passwords"] if len(w) >= 8 and w == w.lower() and w.isascii()
         and " " not in w and '"' not in w and "\\" not in w][:COUNT]
print("// By tools/common_passwords.py from zxcvbn's list (MIT licence).")
line = ""
for word in sorted(words):
    if len(line) + len(word) + 1 > WIDTH:
        print(f'"{line}"')
        line = ""
    line += word + " "
print(f'"{line}"')
