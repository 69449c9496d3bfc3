# Makes churn.json: hazards, curves, competing causes, tests of proportional hazards and areas under the curve of data
# drawn here with ties, late entries, changing covariates, weights, counts and repeated units.
# Rscript tests/reference/churn.R (from the project's root; survival 3.5-3, sandwich 3.0-2, pROC 1.18, R 4.2)
suppressMessages({library(survival); library(sandwich); library(pROC); library(jsonlite)})
set.seed(1972)
tight <- coxph.control(eps = 1e-12, iter.max = 60, toler.chol = 1e-13)
cox <- function(m) {
  z <- lapply(c("km", "identity", "log", "rank"), function(h) cox.zph(m, h)$table)
  list(names = names(coef(m)), value = unname(coef(m)), error = unname(sqrt(diag(vcov(m)))), logLik = m$loglik[2],
    null = m$loglik[1], C = unname(m$concordance["concordance"]), terms = rownames(z[[1]]),
    zph = setNames(lapply(z, function(each) unname(each[, 1])), c("km", "identity", "log", "rank")), df = unname(z[[1]][, 2]))
}
# one row per customer: ties (whole days), late entries, two causes, clusters of shops
n <- 240
d <- data.frame(shop = rep(1:30, length.out = n), ease = sample(1:5, n, TRUE), service = round(rnorm(n), 1),
  plan = sample(c("basic", "plus", "pro"), n, TRUE), w = round(rgamma(n, 2, 2) + 0.05, 2), f = sample(0:3, n, TRUE))
frail <- rnorm(30, 0, 0.4)[d$shop]
full <- ceiling(60 * rweibull(n, 1.2, 1) * exp(0.25 * d$ease - 0.2 * d$service - 0.4 * (d$plan == "pro") + frail - 0.6))
cut <- sample(20:90, n, TRUE)
d$days <- pmin(full, cut); d$left <- as.integer(full <= cut); d$cause <- d$left * (1 + (runif(n) < 0.4))
d$entry <- ifelse(runif(n) < 0.5, 0, floor(runif(n) * d$days)); d$month <- ceiling(d$days / 15)
d$came <- pmin(floor(d$entry / 15), d$month - 1)
many <- d[rep(seq_len(n), d$f), ]
right <- Surv(days, left) ~ ease + service + plan; late <- Surv(entry, days, left) ~ ease + service + plan
layers <- Surv(entry, days, left) ~ ease + service + strata(plan)
# rows that change: UX and service at several times, one to four rows per customer
s <- do.call(rbind, lapply(1:120, function(i) {
  k <- sample(1:4, 1); start <- c(0, sort(sample(1:40, k - 1))); stop <- c(start[-1], start[k] + sample(5:40, 1))
  data.frame(id = i, shop = 1 + i %% 17, start, stop, ease = sample(1:5, k, TRUE), service = round(rnorm(k), 1), left = c(rep(0, k - 1), rbinom(1, 1, 0.7)))
}))
changing <- Surv(start, stop, left) ~ ease + service
# one row per customer and month
long <- d[rep(seq_len(n), d$month - d$came), ]
long$id <- rep(seq_len(n), d$month - d$came)
long$at <- ave(long$id, long$id, FUN = seq_along) + long$came
long$now <- as.integer(long$at == long$month & long$left == 1)
silent <- with(long, tapply(now, at, sum)); long <- long[silent[as.character(long$at)] > 0, ]
period <- function(link, f = now ~ 0 + factor(at) + ease + service, data = long) {
  m <- glm(f, binomial(link), data, control = glm.control(1e-15, 100)); X <- model.matrix(m); y <- m$y; eta <- m$linear.predictors
  h <- m$fitted.values
  up <- if (link == "logit") 1 - h else exp(eta) * (1 - h) / h; down <- if (link == "logit") -h else -exp(eta)
  curved <- if (link == "logit") h * (1 - h) else y * up * (exp(eta) / h - 1) + (1 - y) * exp(eta)
  bread <- solve(crossprod(X, X * curved)); u <- rowsum(X * (y * up + (1 - y) * down), data$shop); g <- nrow(u); N <- nrow(X)
  V <- bread %*% crossprod(u) %*% bread * g / (g - 1) * (N - 1) / (N - ncol(X))
  list(names = names(coef(m)), value = unname(coef(m)), expected = unname(sqrt(diag(vcov(m)))), error = unname(sqrt(diag(bread))),
    cluster = unname(sqrt(diag(V))), vcovCL = unname(sqrt(diag(vcovCL(m, cluster = data$shop, type = "HC1")))), logLik = as.numeric(logLik(m)))
}
curve <- function(s, tau) {
  some <- s$n.event > 0; t <- survival:::survmean(s, rmean = tau)$matrix
  list(time = s$time[some], at_risk = s$n.risk[some], value = s$surv[some], error = (s$std.err * s$surv)[some],
    low = s$lower[some], high = s$upper[some], mean = unname(t["rmean"]), mean_error = unname(t["se(rmean)"]))
}
causes <- function(s) {
  some <- rowSums(s$n.event[, -1]) > 0
  list(time = s$time[some], value = s$pstate[some, -1], error = s$std.err[some, -1], low = s$lower[some, -1], high = s$upper[some, -1])
}
d$why <- factor(d$cause); d$id <- seq_len(n)
e <- d[d$entry > 0 | d$days > 20, ]
p <- glm(left ~ ease + service + plan, binomial, d)$fitted.values; a <- roc(d$left, p, quiet = TRUE, direction = "<")
out <- list(script = "churn.R", survival = as.character(packageVersion("survival")), rows = d, changing = s, period_rows = long,
  cox = list(plain = cox(coxph(right, d, control = tight)), late = cox(coxph(late, d, control = tight)),
    robust = cox(coxph(right, d, control = tight, robust = TRUE)), cluster = cox(coxph(late, d, control = tight, cluster = shop)),
    weights = cox(coxph(right, d, control = tight, weights = w, robust = TRUE)),
    weights_cluster = cox(coxph(late, d, control = tight, weights = w, cluster = shop)),
    frequency = cox(coxph(late, many, control = tight)), strata = cox(coxph(layers, d, control = tight)),
    strata_cluster = cox(coxph(layers, d, control = tight, cluster = shop)),
    changing = cox(coxph(changing, s, control = tight)), changing_cluster = cox(coxph(changing, s, control = tight, cluster = id)),
    changing_shop = cox(coxph(changing, s, control = tight, cluster = shop))),
  period = list(logit = period("logit"), cloglog = period("cloglog"), log = period("cloglog", now ~ log(at) + ease + service)),
  curve = list(plain = curve(survfit(Surv(days, left) ~ 1, d, conf.type = "log-log"), 60),
    late = curve(survfit(Surv(entry, days, left) ~ 1, e, conf.type = "log-log"), 50),
    frequency = curve(survfit(Surv(days, left) ~ 1, many, conf.type = "log-log"), 60),
    changing = curve(survfit(Surv(start, stop, left) ~ 1, s, id = id, conf.type = "log-log"), 40)),
  causes = list(plain = causes(survfit(Surv(days, why) ~ 1, d, conf.type = "log-log")),
    late = causes(survfit(Surv(entry, days, why) ~ 1, e, id = id, conf.type = "log-log"))),
  auc = list(value = as.numeric(auc(a)), error = sqrt(var(a, method = "delong")), p = unname(p)))
write(toJSON(out, digits = 14, auto_unbox = TRUE, dataframe = "columns"), "tests/reference/churn.json")
