"""Registering a shipment at every provider that has to know of it: what is accepted is finished."""
