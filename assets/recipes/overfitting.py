"""The losses of a run of the trainer: python overfitting.py (NumPy, matplotlib)."""

import matplotlib.pyplot as plt
import numpy as np

STEPS = (20, 40, 60)  # of the training losses
TRAINING_LOSS = (1.5, 0.5, 0.1)
VALIDATION_STEPS = (20, 40, 60)
VALIDATION_LOSS = (1.6, 1.2, 1.4)
ACCURACY = (0.3, 0.6, 0.6)  # of the validation songs

best = int(np.argmin(VALIDATION_LOSS))

plt.subplot(121)
plt.plot(STEPS, TRAINING_LOSS, label="training")
plt.plot(VALIDATION_STEPS, VALIDATION_LOSS, "o-", label="validation")
plt.axvline(VALIDATION_STEPS[best], linestyle="--", color="grey")
plt.ylim(0)
plt.xlabel("Step")
plt.ylabel("Loss")
plt.legend()
plt.subplot(122)
plt.plot(VALIDATION_STEPS, 100 * np.array(ACCURACY), "o-")
plt.ylim(0, 100)
plt.xlabel("Step")
plt.ylabel("Validation accuracy (%)")
plt.show()
