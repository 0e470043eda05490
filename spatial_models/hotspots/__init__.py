"""Hot spots: the Getis-Ord Gi* statistic over cells."""
