"""Gradient-boosted trees of XGBoost: examined before XGBoost walks them, saved for serving, proved to the last bit."""
