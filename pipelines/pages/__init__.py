"""HTML and SVG: escaped elements, text that fits, scales, one palette."""
