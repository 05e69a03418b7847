"""Accuracy of a linear reading of each layer: python readings.py (SciPy, matplotlib).

How one is measured, with the means of each layer's frames over each song:

    reader = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    n_right = (reader.fit(train, genres).predict(test) == truths).sum()
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import binomtest

N_RIGHT = (80, 90, 95, 95)  # of each layer; the first is the transformer's input
N_SONGS = 100
CHANCE = 0.1

accuracies = np.array(N_RIGHT) / N_SONGS
ends = [binomtest(n, N_SONGS).proportion_ci(method="wilson") for n in N_RIGHT]
below = accuracies - [low for low, _ in ends]
above = [high for _, high in ends] - accuracies

plt.bar(range(len(accuracies)), 100 * accuracies, color="lightgrey")
plt.errorbar(
    range(len(accuracies)), 100 * accuracies, 100 * np.array([below, above]), fmt="none"
)
plt.axhline(100 * CHANCE, linestyle="--", color="grey")
plt.xlabel("Layer")
plt.ylabel("Test songs right (%)")
plt.show()
