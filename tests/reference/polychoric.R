# Makes polychoric.json: thresholds, polychoric correlations, their asymptotic covariance (times n) and factor models by
# diagonally weighted least squares (WLSMV) of Holzinger's tests cut in quartiles and of answers drawn here, by lavaan; one
# case by psych as a second view (its default correct = .5 off, as lavaan adds to 2 x 2 tables only).
# Rscript tests/reference/polychoric.R (from the project's root; lavaan 0.6-14, psych 2.2.9, R 4.2)
suppressMessages({library(lavaan); library(psych); library(jsonlite)})
out <- list(script = "polychoric.R", lavaan = as.character(packageVersion("lavaan")), psych = as.character(packageVersion("psych")))
three <- "a =~ x1 + x2 + x3\nb =~ x4 + x5 + x6\nc =~ x7 + x8 + x9"
one <- function(p) paste("a =~", paste0("x", seq_len(p), collapse = " + "))
distinct <- function(d) { key <- do.call(paste, d); first <- !duplicated(key)
  list(rows = unname(as.matrix(d[first, ])), n = as.integer(table(factor(key, key[first])))) }
half <- function(G) G[lower.tri(G, diag = TRUE)]
sample_of <- function(f, g = NULL) { s <- lavInspect(f, "sampstat"); G <- lavInspect(f, "gamma")
  if (!is.null(g)) { s <- s[[g]]; G <- G[[g]] }
  list(thresholds = as.numeric(s$th), correlations = s$cov[lower.tri(s$cov)], gamma = half(unclass(G))) }
fitted_of <- function(f) { e <- parameterEstimates(f); free <- e$se > 0; t <- f@test
  list(term = paste(e$lhs, e$op, e$rhs)[free], value = e$est[free], error = e$se[free], chi2 = t$standard$stat,
    df = t$standard$df, scaled = t$scaled.shifted$stat, scale = t$scaled.shifted$scaling.factor,
    shift = t$scaled.shifted$shift.parameter, p = t$scaled.shifted$pvalue) }
# the climbs end closer than by default; psych's are optimise's, to about 1e-4
control <- list(rel.tol = 1e-14, x.tol = 1e-14, abs.tol = 0)
fit <- function(model, d, ...) suppressWarnings(cfa(model, d, ordered = TRUE, optim.force.converged = TRUE, control = control, ...))
case <- function(d, model, ...) { f <- fit(model, d, std.lv = TRUE, ...)
  c(distinct(d), sample_of(f), list(fit = fitted_of(f))) }
draw <- function(n, loadings, phi, cuts) { k <- ncol(phi); each <- length(loadings) / k
  eta <- matrix(rnorm(n * k), n) %*% chol(phi)
  as.data.frame(setNames(lapply(seq_along(loadings), function(i) {
    y <- loadings[i] * eta[, (i - 1) %/% each + 1] + sqrt(1 - loadings[i]^2) * rnorm(n)
    findInterval(y, cuts[[i]]) + 1L }), paste0("x", seq_along(loadings)))) }

H <- HolzingerSwineford1939[, paste0("x", 1:9)]
H <- as.data.frame(lapply(H, function(v) as.integer(cut(v, quantile(v, 0:4 / 4), include.lowest = TRUE))))
out$holzinger <- case(H, three)
out$holzinger$marker <- fitted_of(fit(three, H))
pair <- function(model, term) { e <- fitted_of(fit(model, H, std.lv = TRUE)); k <- which(e$term == term)
  list(value = e$value[k], error = e$error[k], scaled = e$scaled) }
out$holzinger$pairs <- list(`a ~~ b` = pair("a =~ x1 + x2 + x3\nb =~ x4 + x5 + x6", "a ~~ b"),
  `b ~~ c` = pair("b =~ x4 + x5 + x6\nc =~ x7 + x8 + x9", "b ~~ c"))
out$holzinger$unfit <- fitted_of(fit(one(9), H, std.lv = TRUE))

set.seed(20)
phi <- matrix(0.5, 3, 3); diag(phi) <- 1
even <- c(-1.2, -0.4, 0.4, 1.2); high <- c(-2, -1.4, -0.8, 0.1)
out$even <- case(draw(500, rep(c(0.8, 0.7, 0.6), 3), phi, rep(list(even), 9)), three)
out$even$gamma <- NULL  # for its size
out$skewed <- case(draw(300, rep(c(0.9, 0.8, 0.6), 3), phi, rep(list(high), 9)), three)  # many empty cells
again <- as.data.frame(out$skewed$rows[rep(seq_along(out$skewed$n), out$skewed$n), ]); names(again) <- paste0("x", 1:9)
filled <- lavInspect(fit(three, again, zero.add = c(0.5, 0.5)), "sampstat")$cov
out$skewed$filled <- filled[lower.tri(filled)]
out$large <- case(draw(10000, c(0.9, 0.8, 0.7, 0.4), matrix(1), list(even, high, even, -high[4:1])), one(4))
repeat { d <- draw(400, c(0.99, 0.99, 0.98, 0.97), matrix(1), list(even, even, 0, high))
  if (max(suppressWarnings(lavCor(d, ordered = TRUE))[lower.tri(diag(4))]) < 0.99) break }
out$close <- case(d, one(4))
out$mixed <- case(draw(250, c(0.8, -0.7, 0.6, 0.9, 0.5), matrix(1), list(0.3, -1, even, high[2:3], 1)), one(5))

repeat { d <- draw(60, rep(0.85, 4), matrix(1), list(-1.5, -1.2, 0.2, 0.4))  # a 2 x 2 table with an empty cell
  empty <- sum(sapply(combn(4, 2, simplify = FALSE), function(k) sum(table(d[[k[1]]], d[[k[2]]]) == 0) == 1))
  twice <- any(sapply(combn(4, 2, simplify = FALSE), function(k) sum(table(d[[k[1]]], d[[k[2]]]) == 0) > 1))
  if (empty >= 2 && !twice) break }
out$two_by_two <- case(d, one(4))

d <- draw(500, c(0.8, 0.7, 0.6, 0.8), matrix(1), rep(list(even), 4))
d[cbind(sample(500, 80), sample(4, 80, TRUE))] <- NA
out$missing <- case(d, one(4), missing = "pairwise")
out$missing$rows[is.na(out$missing$rows)] <- -1L

first <- draw(300, c(0.8, 0.7, 0.6, 0.8), matrix(1), rep(list(even), 4)); second <- draw(200, c(0.8, 0.7, 0.6, 0.8), matrix(1), rep(list(even + 0.3), 4))
f <- fit(one(4), cbind(rbind(first, second), g = rep(1:2, c(300, 200))), std.lv = TRUE, group = "g")
out$groups <- list(first = c(distinct(first), sample_of(f, 1)), second = c(distinct(second), sample_of(f, 2)), fit = fitted_of(f))

p <- suppressWarnings(suppressMessages(polychoric(H, correct = 0)))
out$holzinger$psych <- p$rho[lower.tri(p$rho)]
write(toJSON(out, digits = 10, auto_unbox = TRUE), "tests/reference/polychoric.json")
