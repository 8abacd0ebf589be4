"""Code that the models' training and inference programs share; it runs in AWS's scikit-learn container."""
