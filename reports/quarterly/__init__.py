"""The quarterly recovery report: from a run's files alone, in HTML and on paper, in English and French."""
