# Makes scales_answers.csv (simulated SUS sheets) and scales_reliability.json (their reliability, by psych and lavaan).
# Rscript tests/reference/scales_reliability.R (from the project's root; psych 2.2.9, lavaan 0.6-14, R 4.2)
suppressMessages({library(psych); library(lavaan); library(jsonlite)})
set.seed(20)
n <- 220; loading <- c(.5, .7, .8, .4, .6, .65, .7, .75, .7, .45); key <- rep(c(1, -1), 5)
x <- outer(rnorm(n), loading) + matrix(rnorm(n * 10), n) * rep(sqrt(1 - loading^2), each = n)
x <- t(t(x) * key + rep(c(.5, -.5), 5)); x <- pmin(pmax(round(1.1 * x + 3), 1), 5)
x[cbind(c(3, 17, 55, 101, 150, 151), c(2, 9, 10, 1, 5, 6))] <- NA
colnames(x) <- paste0("q", 1:10)
write.csv(x, "tests/reference/scales_answers.csv", row.names = FALSE, na = "")
keyed <- as.data.frame(na.omit(x)); keyed[, key < 0] <- 6 - keyed[, key < 0]
summary_of <- function(d) {
  a <- suppressWarnings(psych::alpha(d))
  loads <- paste0("l", seq_along(d)); errors <- paste0("e", seq_along(d))
  model <- paste0("f =~ ", paste0(loads, "*", names(d), collapse = " + "), "\n",
    paste0(names(d), " ~~ ", errors, "*", names(d), collapse = "\n"), "\n",
    "omega := (", paste(loads, collapse = "+"), ")^2 / ((", paste(loads, collapse = "+"), ")^2 + ", paste(errors, collapse = "+"), ")")
  f <- cfa(model, d, std.lv = TRUE, estimator = "MLR"); e <- parameterEstimates(f); o <- e[e$label == "omega", ]
  list(n = nrow(d), raw = a$total$raw_alpha, standardised = a$total$std.alpha, feldt = unlist(a$feldt[c("lower.ci", "upper.ci")], use.names = FALSE),
    item_rest = a$item.stats$r.drop, alpha_without = a$alpha.drop$raw_alpha, omega = o$est, omega_se = o$se)
}
u <- as.data.frame(na.omit(x[, c(1, 2, 3, 5, 6, 7, 8, 9)])); ukey <- c(1, -1, 1, 1, -1, 1, -1, 1); u[, ukey < 0] <- 6 - u[, ukey < 0]
out <- list(script = "scales_reliability.R", psych = as.character(packageVersion("psych")), lavaan = as.character(packageVersion("lavaan")),
  SUS = summary_of(keyed), usable = summary_of(u))
write(toJSON(out, digits = 12, auto_unbox = TRUE, pretty = TRUE), "tests/reference/scales_reliability.json")
