"""What several data sets share: safe unpickling, synthetic videos."""
