# Experiments, instruments, sensitivity and roll-outs, as lm, AER's ivreg and sandwich tell them.
# Rscript tests/reference/causes.R > tests/reference/causes.json
suppressMessages({library(sandwich); library(AER); library(jsonlite)})
RNGversion("3.6.0"); set.seed(20)

# An experiment with effects that differ with what was known before, and skewed errors.
n <- 240
arm <- sample(rep(c("new", "old"), c(100, 140)))
x1 <- round(rnorm(n), 3); x2 <- round(rexp(n), 3)
y <- round(3 + x1 + 0.5 * x2 + (arm == "new") * (0.4 + 0.6 * x1) + rexp(n) - 1, 3)
c1 <- x1 - mean(x1); c2 <- x2 - mean(x2); t <- as.numeric(arm == "new")
lin <- lm(y ~ t * (c1 + c2))
gap <- coef(lin)[c("t:c1", "t:c2")]
hc2 <- vcovHC(lin, "HC2")["t", "t"]
drawn <- drop(t(gap) %*% cov(cbind(c1, c2)) %*% gap) / n
plain <- lm(y ~ t)
experiment <- list(
  arm = arm, x1 = x1, x2 = x2, y = y,
  effect = unname(coef(lin)["t"]), hc2 = sqrt(hc2), std_error = sqrt(hc2 + drawn),
  unadjusted = unname(coef(plain)["t"]), unadjusted_error = sqrt(vcovHC(plain, "HC2")["t", "t"]),
  welch = unname(t.test(y[t == 1], y[t == 0])$parameter), sd_effect = unname(coef(lin)["t"]) / sd(y[t == 0])
)

# Orders per session: by the delta method on means per user.
m <- 90
users <- data.frame(arm = rep(c("new", "old"), length.out = m), sessions = 1 + rpois(m, 3))
users$orders <- rbinom(m, users$sessions, ifelse(users$arm == "new", 0.5, 0.35))
of <- function(a) {
  u <- users[users$arm == a, ]; k <- nrow(u); r <- sum(u$orders) / sum(u$sessions)
  v <- cov(u[, c("orders", "sessions")]); g <- c(1, -r) / mean(u$sessions)
  c(r, drop(t(g) %*% v %*% g) / k)
}
new <- of("new"); old <- of("old")
ratio <- list(arm = users$arm, sessions = users$sessions, orders = users$orders,
  effect = new[1] - old[1], std_error = sqrt(new[2] + old[2]))

# An encouragement: a hidden cause, one and two instruments, clusters of unequal size.
k <- 300
shop <- sample(1:40, k, replace = TRUE); of_shop <- rnorm(40)[shop]
z1 <- rbinom(k, 1, 0.5); z2 <- round(rnorm(k), 3); w <- round(rnorm(k), 3); hidden <- rnorm(k)
d <- round(0.5 * z1 + 0.3 * z2 + 0.4 * w + hidden + 0.3 * of_shop + rnorm(k), 3)
y2 <- round(1 + 0.5 * d + 0.3 * w - hidden + 0.5 * of_shop + rnorm(k) * (1 + 0.5 * z1), 3)
told <- function(fit, name, cluster) {
  v <- if (cluster) vcovCL(fit, shop, type = "HC1") else vcovHC(fit, "HC1")
  list(value = unname(coef(fit)[name]), std_error = unname(sqrt(diag(v)[name])))
}
case <- function(instruments, cluster) {
  right <- paste(c(instruments, "w"), collapse = " + ")
  iv <- ivreg(as.formula(paste("y2 ~ d + w |", right)))
  first <- lm(as.formula(paste("d ~", right)))
  v <- function(fit) if (cluster) vcovCL(fit, shop, type = "HC1") else vcovHC(fit, "HC1")
  wald <- function(fit) { b <- coef(fit)[instruments]; drop(t(b) %*% solve(v(fit)[instruments, instruments], b)) / length(b) }
  q <- length(instruments); zt <- residuals(lm(as.matrix(cbind(z1, z2)[, instruments, drop = FALSE]) ~ w)); zt <- as.matrix(zt)
  b <- coef(first)[instruments]; Q <- crossprod(zt)
  effective <- drop(t(b) %*% Q %*% b) / sum(diag(v(first)[instruments, instruments, drop = FALSE] %*% Q))
  df2 <- if (cluster) length(unique(shop)) - 1 else k - q - 2
  at <- function(beta) wald(lm(as.formula(paste("I(y2 - beta * d) ~", right)))) - qf(0.95, q, df2)
  environment(at) <- environment()
  ends <- function(lo, hi) tryCatch(uniroot(at, c(lo, hi), tol = 1e-12)$root, error = function(e) NA)
  centre <- unname(coef(iv)["d"])
  list(instruments = instruments, cluster = cluster, effect = told(iv, "d", cluster), ols = told(lm(y2 ~ d + w), "d", cluster),
    F = wald(first), effective = effective, low = ends(centre - 20, centre), high = ends(centre, centre + 20))
}
instrument <- list(shop = shop, z1 = z1, z2 = z2, w = w, d = d, y = y2,
  cases = list(case("z1", FALSE), case("z1", TRUE), case(c("z1", "z2"), FALSE), case(c("z1", "z2"), TRUE)))

# Sensitivity of an observed effect: partial R2 by nested regressions, bounds as Cinelli & Hazlett 2020 have them.
s <- 200
age <- round(rnorm(s), 3); wave <- sample(c("a", "b", "c"), s, replace = TRUE); shift <- c(a = 0, b = 0.4, c = -0.2)[wave]
ux <- round(0.4 * age + shift + rnorm(s), 3); cx <- round(0.5 * ux + 0.3 * age + 0.5 * shift + rnorm(s), 3)
full <- lm(cx ~ ux + age + wave)
partial <- function(more, less) 1 - deviance(more) / deviance(less)
est <- summary(full)$coefficients["ux", ]; df <- full$df.residual
bound <- function(r2dx, r2yx, many) {
  r2d <- many * r2dx / (1 - r2dx); r2z <- many * r2dx^2 / ((1 - many * r2dx) * (1 - r2dx))
  r2y <- min(1, ((sqrt(many) + sqrt(r2z)) / sqrt(1 - r2z))^2 * r2yx / (1 - r2yx))
  se <- unname(est[2]) * sqrt((1 - r2y) / (1 - r2d) * df / (df - 1)); b <- unname(est[1]) - unname(est[2]) * sqrt(df) * sqrt(r2y * r2d / (1 - r2d))
  list(r2_treatment = r2d, r2_outcome = r2y, value = b, std_error = se, low = b - qt(0.975, df - 1) * se, high = b + qt(0.975, df - 1) * se)
}
sensitivity <- list(age = age, wave = wave, ux = ux, cx = cx, t = unname(est[3]), df = df,
  partial_r2 = partial(full, lm(cx ~ age + wave)),
  age_bound = bound(partial(lm(ux ~ age + wave), lm(ux ~ wave)), partial(full, lm(cx ~ ux + wave)), 2),
  wave_bound = bound(partial(lm(ux ~ age + wave), lm(ux ~ age)), partial(full, lm(cx ~ ux + age)), 1))

# A staggered roll-out: cells by lm and HC2, averages from the means and covariances of the groups.
units <- 80; periods <- 5
start <- c(3, 4, Inf)[c(rep(1, 25), rep(2, 20), rep(3, 35))]
cov1 <- round(rnorm(units), 3)
Y <- sapply(1:periods, function(t) rnorm(units) + 0.2 * t + 0.1 * t * cov1 + ifelse(t >= start, 0.5 * (t - start + 1), 0)) + rnorm(units)
Y <- round(Y, 3)
cell <- function(g, t, never, adjusted) {
  treated <- start == g; controls <- if (never) is.infinite(start) else start > max(t, g - 1) & !treated
  dy <- Y[, t] - Y[, g - 1]; keep <- treated | controls; one <- as.numeric(treated)[keep]
  if (!adjusted) { fit <- lm(dy[keep] ~ one); return(list(value = unname(coef(fit)[2]), std_error = sqrt(vcovHC(fit, "HC2")[2, 2]))) }
  at <- cov1 - mean(cov1[treated]); of <- lm(dy ~ at, subset = controls)
  left <- dy[treated] - predict(of, data.frame(at = at[treated]))
  list(value = mean(left), std_error = sqrt(var(left) / sum(treated) + vcovHC(of, "HC2")[1, 1]))
}
cells <- list()
for (g in 3:4) for (t in setdiff(1:periods, g - 1)) for (never in c(TRUE, FALSE)) for (adjusted in c(FALSE, TRUE))
  cells[[length(cells) + 1]] <- c(list(group = g, time = t, never = never, adjusted = adjusted), cell(g, t, never, adjusted))
groups <- c(3, 4, Inf); sizes <- sapply(groups, function(g) sum(start == g))
S <- lapply(groups, function(g) cov(Y[start == g, ])); M <- lapply(groups, function(g) colMeans(Y[start == g, ]))
e <- function(t) as.numeric(1:periods == t)
average <- function(which) { # which: for each of the groups 3 and 4 the times that are averaged
  own <- lapply(1:2, function(k) if (length(which[[k]])) rowMeans(sapply(which[[k]], function(t) e(t) - e(groups[k] - 1))) else NULL)
  there <- which(!sapply(own, is.null)); w <- sizes[there] / sum(sizes[there])
  A <- sapply(there, function(k) sum(own[[k]] * (M[[k]] - M[[3]]))); theta <- sum(w * A)
  control <- Reduce(`+`, Map(function(k, wk) wk * own[[k]], there, w))
  v <- sum(sapply(seq_along(there), function(i) { k <- there[i]; w[i]^2 * drop(t(own[[k]]) %*% S[[k]] %*% own[[k]]) / sizes[k] })) +
    drop(t(control) %*% S[[3]] %*% control) / sizes[3] + sum(sizes[there] * (A - theta)^2) / sum(sizes[there])^2
  list(value = theta, std_error = sqrt(v))
}
long <- data.frame(y = as.vector(Y), who = factor(rep(1:units, periods)), time = factor(rep(1:periods, each = units)), d = as.numeric(rep(1:periods, each = units) >= rep(start, periods)))
two <- lm(y ~ d + who + time, long); size <- nrow(long)
two_way <- list(value = unname(coef(two)["d"]), std_error = sqrt(vcovCL(two, long$who, type = "HC0")["d", "d"] * (size - 1) / (size - periods - 1)))
rollout <- list(start = ifelse(is.infinite(start), NA, start), covariate = cov1, y = Y, cells = cells, overall = average(list(3:5, 4:5)),
  events = list("-3" = average(list(integer(), 1)), "-2" = average(list(1, 2)), "+0" = average(list(3, 4)), "+1" = average(list(4, 5)), "+2" = average(list(5, integer()))),
  two_way = two_way)

cat(toJSON(list(versions = list(R = R.version.string, sandwich = as.character(packageVersion("sandwich")), AER = as.character(packageVersion("AER"))),
  experiment = experiment, ratio = ratio, instrument = instrument, sensitivity = sensitivity, rollout = rollout), auto_unbox = TRUE, digits = 14, na = "null"))
