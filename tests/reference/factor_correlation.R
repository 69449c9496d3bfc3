# Makes factor_correlation.json: two-factor models of the moments in data/mobi and of tests/reference/models.json, by lavaan.
# Rscript tests/reference/factor_correlation.R (from the project's root; lavaan 0.6-14, R 4.2)
suppressMessages({library(lavaan); library(jsonlite)})
full <- function(rows) { p <- length(rows); m <- matrix(0, p, p)
  for (i in seq_len(p)) m[i, seq_len(i)] <- rows[[i]]; m + t(m) - diag(diag(m), p) }
mobi <- fromJSON("data/mobi/moments.json", simplifyVector = FALSE)[["moments/UX+CX"]]
S <- full(lapply(mobi$covariance, unlist)); dimnames(S) <- list(unlist(mobi$names), unlist(mobi$names))
fit <- function(model, S, n) { f <- cfa(model, sample.cov = S, sample.nobs = n, std.lv = TRUE)
  e <- parameterEstimates(f); e[e$op == "~~" & e$lhs != e$rhs, c("est", "se")] }
a <- fit("Q =~ PERQ1 + PERQ2 + PERQ3 + PERQ4 + PERQ5 + PERQ6 + PERQ7\nS =~ CUSA1 + CUSA2 + CUSA3", S, mobi$n)
data(HolzingerSwineford1939); H <- cov(HolzingerSwineford1939[, paste0("x", 1:9)])
b <- fit("v =~ x1 + x2 + x3\nt =~ x4 + x5 + x6", H[1:6, 1:6], 301)
c <- fit("v =~ x1 + x2 + x3\ns =~ x7 + x8 + x9", H[c(1:3, 7:9), c(1:3, 7:9)], 301)
out <- list(script = "factor_correlation.R", lavaan = as.character(packageVersion("lavaan")),
  mobi = a$est, mobi_se = a$se, visual_textual = b$est, visual_textual_se = b$se,
  visual_speed = c$est, visual_speed_se = c$se)
write(toJSON(out, digits = 12, auto_unbox = TRUE, pretty = TRUE), "tests/reference/factor_correlation.json")
