"""Model of whether a flight arrives more than 15 minutes late, by what is known when it is planned."""
