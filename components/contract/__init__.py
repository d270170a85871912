"""What a step is written against: base.py, kinds.py and scores.py. The rest is for those who plan and run steps."""
