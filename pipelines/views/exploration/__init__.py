"""Looking at datasets: what columns hold, how they moved between versions, and the page that shows it. On a laptop."""
