"""The build of the GraphiQL bundle, without running it."""
