"""Where the equations come from."""

WOODWORTH = "Woodworth et al., Kernel and Rich Regimes in Overparametrized Models, COLT 2020, arXiv:2002.09277"
ARORA = "Arora, Cohen, Hu, Luo, Implicit Regularization in Deep Matrix Factorization, 2019, theorem 3"
CALCULUS = "the definition"
