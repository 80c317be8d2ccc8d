"""From queries alone to a network: lines, kinks, layers, orientation, output, checks."""
