# Makes survival.json: Kaplan-Meier curves and censored lognormal fits with weights and repeated units, by R's survival.
# Rscript tests/reference/survival.R (from the project's root; survival 3.5-3, R 4.2)
suppressMessages({library(survival); library(jsonlite)})
set.seed(1958)
n <- 60
d <- data.frame(unit = rep(1:24, length.out = n), segment = rep(c("a", "b", "b"), each = 4, length.out = n))
d <- d[order(d$unit), ]
full <- exp(3 + rep(rnorm(24, 0, 0.6), table(d$unit)) + rnorm(n, 0, 0.5))
cut <- runif(n, 10, 45)
d$time <- round(pmin(full, cut), 1)   # rounded, so that times are tied
d$time[c(3, 17)] <- d$time[5]
d$event <- as.integer(full <= cut)
d$w <- round(rep(runif(24, 0.3, 3), table(d$unit)), 2)
d$w[seq(4, n, 7)] <- d$w[seq(4, n, 7)] + 0.5
# The library takes Student's t with the effective number of units less 1 for weighted or repeated units, R the normal
# distribution: R is asked for the level at which the two are the same, and so checks all but that choice.
curve <- function(data = d, sizes = NULL, ...) {
  m <- sum(sizes)^2 / sum(sizes^2)
  z <- if (is.null(sizes)) qnorm(0.975) else qt(0.975, m - 1) * sqrt(m / (m - 1))
  f <- survfit(Surv(time, event) ~ 1, conf.type = "log-log", conf.int = 2 * pnorm(z) - 1, data = data, ...)
  some <- f$n.event > 0
  q <- quantile(f, 0.5)
  list(time = f$time[some], at_risk = f$n.risk[some], events = f$n.event[some], value = f$surv[some],
       error = (f$std.err * (if (f$logse) f$surv else 1))[some], low = f$lower[some], high = f$upper[some],
       median = c(q$quantile, q$lower, q$upper))
}
# survreg's own robust error leaves the weights out of the scores (twice the weights give half the error): the scores
# are weighted here.
fit <- function(by = NULL, ...) {
  f <- survreg(Surv(time, event) ~ 1, dist = "lognormal", data = d, control = list(rel.tolerance = 1e-14), ...)
  V <- if (is.null(by)) vcov(f) else crossprod(rowsum(residuals(f, "dfbeta", weighted = TRUE), by))
  list(mu = unname(coef(f)), sigma = f$scale, error = sqrt(V[1, 1]))
}
attach(d)
b <- d[d$segment == "b", ]
out <- list(script = "survival.R", survival = as.character(packageVersion("survival")), rows = d, curves = list(
  plain = curve(), weights = curve(sizes = w, weights = w, robust = TRUE),
  units = curve(sizes = table(unit), id = seq_len(n), cluster = unit, robust = TRUE),
  both = curve(sizes = rowsum(w, unit), weights = w, id = seq_len(n), cluster = unit, robust = TRUE),
  segment = curve(b, rowsum(b$w, b$unit), weights = b$w, id = seq_along(b$w), cluster = b$unit, robust = TRUE)
), fits = list(
  plain = fit(), weights = fit(seq_len(n), weights = w), units = fit(d$unit), both = fit(d$unit, weights = w)))
write(toJSON(out, digits = 12, auto_unbox = TRUE, pretty = FALSE), "tests/reference/survival.json")
