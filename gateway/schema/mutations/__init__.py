"""Everything that can be changed, by what it is about; `gateway/schema/mutation.py` puts it together."""
