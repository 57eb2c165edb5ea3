"""Task `tabular`: rows of features to a prediction for each."""
