# Makes wlsmv.json: latent models of ordered answers (WLSMV, delta parametrisation) of Holzinger's tests cut in quartiles and of
# simulated answers, by lavaan. Rscript tests/reference/wlsmv.R (from the project's root; lavaan 0.6-14, R 4.2)
suppressMessages({library(lavaan); library(jsonlite)})
figures <- c("npar", "chisq", "df", "pvalue", "baseline.chisq", "baseline.df", "cfi", "tli", "rmsea", "rmsea.ci.lower",
  "rmsea.ci.upper", "rmsea.pvalue", "srmr", "chisq.scaled", "pvalue.scaled", "chisq.scaling.factor", "baseline.chisq.scaled",
  "baseline.chisq.scaling.factor", "cfi.scaled", "tli.scaled", "rmsea.scaled", "rmsea.ci.lower.scaled",
  "rmsea.ci.upper.scaled", "rmsea.pvalue.scaled")
climb <- function(...) suppressWarnings({ f <- sem(...)  # nlminb stops early: BFGS goes on from there
  for (again in 1:8) f <- sem(..., start = f, optim.method = "BFGS", control = list(reltol = 1e-16, maxit = 10000))
  f })
told <- function(f) { e <- parameterEstimates(f); s <- standardizedSolution(f)
  group <- function(t) if (is.null(t$group)) rep(1, nrow(t)) else t$group
  list(terms = paste(e$lhs, e$op, e$rhs), group = group(e), est = e$est, se = e$se, std_terms = paste(s$lhs, s$op, s$rhs),
    std_group = group(s), std = s$est.std, std_se = s$se, shift = f@test$scaled.shifted$shift.parameter,
    fit = as.list(fitMeasures(f, figures))) }
case <- function(model, d, missing = "listwise", ...) { items <- setdiff(names(d), "shop")
  f <- climb(model, d, ordered = items, missing = missing, group = if (!is.null(d$shop)) "shop", ...)
  stopifnot(lavInspect(f, "converged"))
  rows <- unname(lapply(d[items], function(v) { v[is.na(v)] <- -1L; as.integer(v) }))
  how <- list(...)
  c(list(model = model, names = items, rows = rows, shop = d$shop, missing = missing, std_lv = isTRUE(how$std.lv),
    equal = as.list(how$group.equal), partial = as.list(how$group.partial)), told(f)) }
draw <- function(truth, n, cuts, seed) { d <- simulateData(truth, sample.nobs = n, seed = seed, standardized = TRUE)
  as.data.frame(Map(function(v, k) findInterval(v, cuts[[(k - 1) %% length(cuts) + 1]]) + 1L, d, seq_along(d))) }
even <- c(-1.2, -0.4, 0.4, 1.2); high <- c(-1.7, -1.1, -0.5, 0.4); mixed <- list(even, 0.3, c(-0.8, 0.6), high)

H <- HolzingerSwineford1939[, paste0("x", 1:9)]
H <- as.data.frame(lapply(H, function(v) as.integer(cut(v, quantile(v, 0:4 / 4), include.lowest = TRUE))))
three <- "a =~ x1 + x2 + x3\nb =~ x4 + x5 + x6\nc =~ x7 + x8 + x9"
schools <- cbind(H, shop = as.character(HolzingerSwineford1939$school)); schools <- schools[order(schools$shop), ]
chain <- "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6\nh =~ x7 + x8 + x9\ng ~ a*f\nh ~ b*g + c*f\nab := a*b\ntotal := ab + c"
chained <- "f =~ 0.8*x1 + 0.7*x2 + 0.6*x3\ng =~ 0.8*x4 + 0.7*x5 + 0.7*x6\nh =~ 0.9*x7 + 0.7*x8 + 0.6*x9\ng ~ 0.5*f\nh ~ 0.4*g + 0.2*f"
four <- "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6\nh =~ x7 + x8 + x9\nk =~ x10 + x11 + x12\ntop =~ f + g + h + k"
fours <- "f =~ 0.8*x1 + 0.7*x2 + 0.6*x3\ng =~ 0.8*x4 + 0.7*x5 + 0.7*x6\nh =~ 0.9*x7 + 0.7*x8 + 0.6*x9
  k =~ 0.7*x10 + 0.6*x11 + 0.8*x12\ntop =~ 0.8*f + 0.7*g + 0.8*h + 0.6*k"
two <- "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6"
twos <- "f =~ 0.8*x1 + 0.7*x2 + 0.6*x3\ng =~ 0.8*x4 + 0.7*x5 + 0.7*x6\nf ~~ 0.5*g"
shops <- rbind(cbind(draw(twos, 400, list(even, high), 11), shop = "a"),
  cbind(draw(twos, 300, list(even + 0.2, high + 0.2), 12), shop = "b"))
gaps <- draw(chained, 500, list(even), 13); set.seed(14)
for (k in names(gaps)) gaps[[k]][runif(500) < 0.06] <- NA
gaps <- gaps[rowSums(!is.na(gaps)) > 0, ]
seed <- 20
repeat { seed <- seed + 1; heywood <- draw("f =~ 0.97*x1 + 0.4*x2 + 0.4*x3\ng =~ 0.8*x4 + 0.7*x5 + 0.7*x6\nf ~~ 0.4*g", 200, list(even), seed)
  if (lavInspect(suppressWarnings(sem(two, heywood, ordered = TRUE)), "est")$theta[1, 1] < -0.02) break }
out <- list(
  holzinger = case(three, H), holzinger_scaled = case(three, H, std.lv = TRUE),
  one = case("g =~ x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9", H),
  schools = case(three, schools), schools_equal = case(three, schools, group.equal = c("loadings", "thresholds")),
  chain = case(chain, draw(chained, 500, list(even, high), 1)), chain_mixed = case(chain, draw(chained, 600, mixed, 2)),
  second = case(four, draw(fours, 600, list(high), 3)),
  outcome = case(paste0(two, "\ny ~ f + g\nx1 ~~ x4"), draw(paste0(twos, "\ny ~ 0.3*f + 0.4*g"), 500, list(even), 4)),
  labelled = case("f =~ NA*x1 + a*x1 + a*x2 + start(0.9)*x3\ng =~ 0.8*x4 + b*x5 + b*x6\nf ~~ 1*f", draw(twos, 400, list(even), 5)),
  just = case("f =~ x1 + x2 + x3", draw("f =~ 0.8*x1 + 0.7*x2 + 0.6*x3", 300, list(even), 6)),
  gaps = case(chain, gaps, missing = "pairwise"), complete = case(chain, gaps),
  improper = case(two, heywood),
  configural = case(two, shops), metric = case(two, shops, group.equal = "loadings"),
  thresholds = case(two, shops, group.equal = "thresholds", std.lv = TRUE),
  scalar = case(two, shops, group.equal = c("loadings", "thresholds")),
  scalar_scaled = case(two, shops, group.equal = c("loadings", "thresholds"), std.lv = TRUE),
  partial = case(two, shops, group.equal = c("loadings", "thresholds"), group.partial = c("x2 | t1", "f =~ x3")),
  same = case(two, shops, group.equal = c("loadings", "thresholds", "lv.variances", "lv.covariances", "means")))
write(toJSON(out, digits = 10, auto_unbox = TRUE, na = "null"), "tests/reference/wlsmv.json")
