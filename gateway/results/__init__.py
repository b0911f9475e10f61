"""Whole results: what takes more than one page of CC-iSales, counted or read to the end."""
