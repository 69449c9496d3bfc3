# Makes loyalty.json: sBG and BdW of published and of drawn cohorts, BG/NBD and Gamma-Gamma of drawn customers, and what a
# driver is worth, from likelihoods and sums written anew: base R's optim, then Newton's steps with numDeriv.
# Rscript tests/reference/loyalty.R (from the project's root; numDeriv 2016.8-1.1, R 4.2)
suppressMessages({library(numDeriv); library(jsonlite)})
set.seed(2007)
top <- function(minus, start) {
  at <- optim(log(start), function(l) minus(exp(l)), method = "Nelder-Mead", control = list(maxit = 5000, reltol = 1e-14))$par
  at <- optim(at, function(l) minus(exp(l)), method = "BFGS", control = list(maxit = 1000, reltol = 1e-15))$par
  for (i in 1:8) at <- at - solve(hessian(function(l) minus(exp(l)), at), grad(function(l) minus(exp(l)), at))
  at <- exp(at); V <- solve(hessian(minus, at))
  list(at = at, V = V, value = at, error = sqrt(diag(V)), logLik = -minus(at))
}
delta <- function(f, at, V) { g <- jacobian(f, at); list(value = f(at), error = sqrt(diag(g %*% V %*% t(g)))) }
# --- contracts: S(t) as an integral-free product of gammas, chances to leave as differences
S <- function(p, t) { c <- if (length(p) > 2) p[3] else 1; exp(lbeta(p[1], p[2] + t^c) - lbeta(p[1], p[2])) }
contract <- function(d, start, k) {
  f <- top(function(p) -sum(d$n * (ifelse(d$left == 1, log(S(p, d$end - 1) - S(p, d$end)), log(S(p, d$end))) - log(S(p, d$entry)))), start)
  says <- delta(function(p) c(S(p, k), S(p, k) / S(p, k - 1), sum(S(p, 0:(k - 1)) / 1.1^(0:(k - 1))),
    sum(S(p, 3 + 0:(k - 1)) / S(p, 3) / 1.1^(0:(k - 1))), sum(S(p, 0:600) / 1.1^(0:600))), f$at, f$V)
  list(value = f$value, error = f$error, logLik = f$logLik, told = says$value, told_error = says$error)
}
cohort <- function(s, n = 1000) { s <- s * n / s[1]; k <- length(s) - 1
  data.frame(entry = 0, end = c(1:k, k), left = c(rep(1, k), 0), n = c(-diff(s), s[k + 1])) }
high <- cohort(c(100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1)); regular <- cohort(c(100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1))
N <- 3000; q <- rbeta(N, 0.9, 3.5); life <- ceiling((log(runif(N)) / log(1 - q))^(1 / 1.3))
cut <- sample(4:14, N, TRUE); entry <- sample(c(0, 0, 0, 1, 2, 3), N, TRUE)
m <- data.frame(entry, end = pmin(life, cut), left = as.integer(life <= cut))[pmin(life, cut) > entry, ]
m <- aggregate(n ~ entry + end + left, transform(m, n = 1), sum)
contracts <- list()
for (name in c("high", "regular", "mixed")) { d <- list(high = high, regular = regular, mixed = m)[[name]]
  contracts[[name]] <- list(rows = d, sbg = contract(d, c(1, 3), 12), bdw = contract(d, c(0.7, 2, 1.3), 12)) }
# --- purchases of drawn customers
n <- 900; rate <- rgamma(n, 0.8, 5); leave <- rbeta(n, 0.9, 2.5); T <- round(runif(n, 20, 40), 1)
h <- t(sapply(1:n, function(i) { now <- 0; x <- 0; last <- 0
  repeat { now <- now + rexp(1, rate[i]); if (now > T[i]) break; x <- x + 1; last <- now; if (runif(1) < leave[i]) break }
  c(x, round(last, 2)) }))
z <- rgamma(n, 4, 15); b <- data.frame(x = h[, 1], last = ifelse(h[, 1] > 0, pmax(h[, 2], 0.01), 0), T = T)
b$m <- ifelse(b$x > 0, round(rgamma(n, 6 * pmax(b$x, 1), pmax(b$x, 1) * z), 2), NA)
bg <- top(function(p) { r <- p[1]; al <- p[2]; a <- p[3]; bb <- p[4]
  -sum(with(b, lgamma(r + x) - lgamma(r) + r * log(al) + log(beta(a, bb + x) / beta(a, bb) / (al + T)^(r + x) +
    (x > 0) * beta(a + 1, bb + x - 1) / beta(a, bb) / (al + last)^(r + x)))) }, c(1, 10, 1, 2))
alive <- function(p) with(b, ifelse(x > 0, 1 / (1 + p[3] / (p[4] + x - 1) * ((p[2] + T) / (p[2] + last))^(p[1] + x)), 1))
# E[X(t)] = E over the chance to leave of (1 - (α/(α + pt))^r)/p, by the substitution p = qbeta(u)
ahead <- function(r, al, a, bb, t) integrate(function(p) (1 - (al / (al + p * t))^r) / p * dbeta(p, a, bb), 0, 1, rel.tol = 1e-11, subdivisions = 5000)$value
some <- c(which(b$x == 0)[1:3], which(b$x == 1)[1:3], which(b$x > 3)[1:4])
p <- bg$at
ten <- sapply(some, function(i) alive(p)[i] * ahead(p[1] + b$x[i], p[2] + b$T[i], p[3], p[4] + b$x[i], 26))
again <- b[b$x > 0, ]
gg <- top(function(p) -sum(with(again, lgamma(p[1] * x + p[2]) - lgamma(p[1] * x) - lgamma(p[2]) + p[2] * log(p[3]) +
  (p[1] * x - 1) * log(m) + p[1] * x * log(x) - (p[1] * x + p[2]) * log(p[3] + x * m))), c(4, 3, 10))
g <- gg$at; kind <- function(g) with(b, ifelse(x > 0, g[1] * (g[3] + x * m) / (g[1] * x + g[2] - 1), g[1] * g[3] / (g[2] - 1)))
figures <- delta(function(p) c(p[1] / p[2], p[3] / (p[3] + p[4]), mean(alive(p)), mean(alive(p)[b$x > 0])), p, bg$V)
value <- sapply(some, function(i) { k <- (1:12) * 26 / 12; y <- sapply(k, function(t) alive(p)[i] * ahead(p[1] + b$x[i], p[2] + b$T[i], p[3], p[4] + b$x[i], t))
  sum(diff(c(0, y)) / 1.01^(1:12)) * kind(g)[i] * 0.3 })
buyers <- list(rows = b, value = bg$value, error = bg$error, logLik = bg$logLik, figures = figures$value, figures_error = figures$error,
  some = some - 1, ten = ten, new = ahead(p[1], p[2], p[3], p[4], 26), spend = list(value = gg$value, error = gg$error, logLik = gg$logLik,
  mean = delta(function(g) g[1] * g[3] / (g[2] - 1), g, gg$V)), money = value)
# --- what a driver is worth: a window's logit, and hazards by period, with the customers taken as they are and as a sample
w <- data.frame(ease = sample(1:5, 800, TRUE), help = round(rnorm(800), 1), plan = sample(c("a", "b", "c"), 800, TRUE))
w$churned <- rbinom(800, 1, plogis(-0.5 - 0.4 * w$ease + 0.3 * w$help + 0.5 * (w$plan == "b")))
k <- 12; d <- 0.01
worthy <- function(h) { stay <- apply(1 - h, 1, cumprod); before <- rbind(1, stay[-nrow(stay), , drop = FALSE])
  cbind(stay[nrow(stay), ], colSums(before), 100 * colSums(before / (1 + d)^(seq_len(nrow(before)) - 1))) }
fit <- glm(churned ~ ease + help + plan, binomial, w, control = glm.control(1e-15, 100))
chances <- function(beta, data) { X <- model.matrix(~ ease + help + plan, data); matrix(plogis(X %*% beta), nrow(data), k) }
each <- function(beta, e) { u <- w; u$ease <- u$ease + e; l <- w; l$ease <- l$ease - e; (worthy(chances(beta, u)) - worthy(chances(beta, l))) / (2 * e) }
fine <- function(f) (4 * f(0.005) - f(0.01)) / 3
sd1 <- sd(w$ease)
per <- function(rows, by, V) { m <- colMeans(rows); own <- sweep(rows, 2, m)
  psd <- sd1 * own + outer(((w$ease - mean(w$ease))^2 - sd1^2) / (2 * sd1), m); n <- nrow(rows)
  list(point = m, point_error = sqrt(diag(by %*% V %*% t(by)) + colSums(own^2) / n / (n - 1)), sd = sd1 * m,
    sd_error = sqrt(sd1^2 * diag(by %*% V %*% t(by)) + colSums(psd^2) / n / (n - 1))) }
rows <- fine(function(e) each(coef(fit), e)); by <- jacobian(function(beta) colMeans(fine(function(e) each(beta, e))), coef(fit))
logit <- per(rows, by, vcov(fit))
inplan <- function(beta, name) { u <- w; u$plan <- factor(name, c("a", "b", "c")); u$plan[1] <- name
  X <- cbind(1, u$ease, u$help, name == "b", name == "c"); worthy(matrix(plogis(X %*% beta), nrow(w), k)) }
logit$plan_b <- colMeans(inplan(coef(fit), "b") - inplan(coef(fit), "a"))
full <- ceiling(rweibull(800, 1, 6) * exp(0.3 * (w$ease - 3) - 0.2 * w$help)); w$months <- pmin(full, 9); w$left <- as.integer(full <= 9)
long <- w[rep(1:800, w$months), ]; long$at <- sequence(w$months); long$now <- as.integer(long$at == rep(w$months, w$months) & long$left == 1)
haz <- glm(now ~ 0 + factor(at) + ease + help, binomial("cloglog"), long, control = glm.control(1e-15, 200))
minus <- function(beta) { eta <- drop(model.matrix(haz) %*% beta); h <- -expm1(-exp(eta)); -sum(ifelse(long$now == 1, log(h), -exp(eta))) }
k <- 9
hazards <- function(beta, e) { line <- beta[10] * (w$ease + e) + beta[11] * w$help; -expm1(-exp(outer(line, beta[1:9], "+"))) }
each <- function(beta, e) (worthy(hazards(beta, e)) - worthy(hazards(beta, -e))) / (2 * e)
rows <- fine(function(e) each(coef(haz), e)); by <- jacobian(function(beta) colMeans(fine(function(e) each(beta, e))), coef(haz))
cloglog <- per(rows, by, solve(hessian(minus, coef(haz)))); cloglog$all <- colMeans(worthy(hazards(coef(haz), 0)))
out <- list(script = "loyalty.R", contracts = contracts, buyers = buyers, worth = list(rows = w, logit = logit, cloglog = cloglog))
write_json(out, "tests/reference/loyalty.json", digits = I(12), auto_unbox = TRUE, na = "null")
