"""The types that clients see, one module for each noun.

Values (`values.py`) are the domain's own objects under a published name. Entities wrap what was loaded and hand out its
parts: nothing in them waits, except where another entity begins.
"""
