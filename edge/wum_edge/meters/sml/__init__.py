"""SML, the Smart Message Language: what meters of the German market say by themselves."""
