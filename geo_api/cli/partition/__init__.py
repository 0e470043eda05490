"""``wangge grid``: the story of a grid, the difference of two days, codes old and new."""
