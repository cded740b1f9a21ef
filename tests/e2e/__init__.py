"""The gateway as a person meets it: the command started, and the page used in a browser."""
