"""The Hub in: files of models and data sets, fetched with patience, safetensors only."""
