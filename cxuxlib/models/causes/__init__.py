"""What a cause does: experiments, instruments, staggered roll-outs, and how strong a hidden cause would have to be."""
