"""What the models' training and inference programs share. Runs in AWS's scikit-learn container: pandas and numpy."""
