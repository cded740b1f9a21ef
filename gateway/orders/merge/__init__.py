"""One answer out of several providers': pure functions over the domain, the same whatever arrived first."""
