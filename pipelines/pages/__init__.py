"""HTML and SVG: escaping, shapes, one palette."""
