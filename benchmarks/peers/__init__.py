"""The gateway beside other GraphQL servers: the same documents over the same upstream, in one run on one machine."""
