"""Softmax and loss of one answer: python learning.py (NumPy, matplotlib)."""

import matplotlib.pyplot as plt
import numpy as np

LOGITS = (2, 1, 0)  # what a model says of each genre
TRUTH = 0  # which genre is right
GENRES = ("blues", "classical", "disco")

powers = np.exp(LOGITS)
probabilities = powers / powers.sum()
loss = -np.log(probabilities[TRUTH])
gradient = probabilities - (np.arange(len(LOGITS)) == TRUTH)  # of the loss, by logit

plt.subplot(121)
plt.bar(GENRES, 100 * probabilities)
plt.ylabel("Probability (%)")
plt.subplot(122)
percents = np.linspace(0.5, 100, 200)
plt.plot(percents, -np.log(percents / 100))
plt.plot(100 * probabilities[TRUTH], loss, "o")
plt.xlabel("Probability of the true genre (%)")
plt.ylabel("Loss")
plt.show()
