"""Packages gradient-boosted trees of XGBoost: examines them, saves them for serving, and proves equality to the bit."""
