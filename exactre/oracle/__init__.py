"""What recovery may touch: an oracle `x -> f(x)`, and the ledger of every query and answer."""
