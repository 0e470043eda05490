"""Territory balance: loads of communities, what is not known of them, and unit grids to transfer."""

from grid.change_sets.balance.loads import MEASURES, Balance, balance_of
from grid.change_sets.balance.search import improve

__all__ = ["MEASURES", "Balance", "balance_of", "improve"]
