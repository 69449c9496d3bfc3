# Makes latent.json: confirmatory factor models and structural equations of simulated data, and of the moments of two public
# data sets, by lavaan. Rscript tests/reference/latent.R (from the project's root; lavaan 0.6-14, R 4.2)
suppressMessages({library(lavaan); library(jsonlite)})
best <- function(f, ...) {  # nlminb stops early: BFGS goes on from there, and the last call only reads the result
  bare <- list(..., fixed.x = TRUE, se = "none", test = "standard", baseline = FALSE)
  capture.output(found <- suppressWarnings({ first <- do.call(f, bare)
    again <- do.call(f, c(bare, list(start = first, optim.method = "BFGS", control = list(reltol = 1e-16, maxit = 10000))))
    do.call(f, list(..., fixed.x = TRUE, start = if (lavInspect(again, "converged")) again else first)) }))
  found }
full <- function(rows) { p <- length(rows); m <- matrix(0, p, p)
  for (i in seq_len(p)) m[i, seq_len(i)] <- rows[[i]]; m + t(m) - diag(diag(m), p) }

structures <- list(
  two = list(model = "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6", latent = TRUE,
    truth = "f =~ %s*x1 + %s*x2 + %s*x3\ng =~ %s*x4 + %s*x5 + %s*x6\nf ~~ 0.5*g", loadings = 6),
  three = list(model = "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6 + x3\nh =~ x7 + x8 + x9\nx1 ~~ x7", latent = TRUE,
    truth = "f =~ %s*x1 + %s*x2 + %s*x3\ng =~ %s*x4 + %s*x5 + %s*x6 + 0.3*x3\nh =~ %s*x7 + %s*x8 + %s*x9\nf ~~ 0.4*g + 0.3*h\ng ~~ 0.5*h\nx1 ~~ 0.2*x7",
    loadings = 9),
  chain = list(model = "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6\nh =~ x7 + x8 + x9\ng ~ a*f\nh ~ b*g + c*f\nab := a*b\ntotal := ab + c",
    latent = TRUE,
    truth = "f =~ %s*x1 + %s*x2 + %s*x3\ng =~ %s*x4 + %s*x5 + %s*x6\nh =~ %s*x7 + %s*x8 + %s*x9\ng ~ 0.5*f\nh ~ 0.4*g + 0.2*f", loadings = 9),
  second = list(model = "f =~ x1 + x2 + x3\ng =~ x4 + x5\nh =~ x6 + x7\nk =~ x8 + x9\ntop =~ f + g + h + k", latent = TRUE,
    truth = "f =~ %s*x1 + %s*x2 + %s*x3\ng =~ %s*x4 + %s*x5\nh =~ %s*x6 + %s*x7\nk =~ %s*x8 + %s*x9\ntop =~ 0.8*f + 0.7*g + 0.8*h + 0.6*k", loadings = 9),
  causes = list(model = "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6\nf ~ w1 + w2\ng ~ f + w1", latent = TRUE,
    truth = "f =~ %s*x1 + %s*x2 + %s*x3\ng =~ %s*x4 + %s*x5 + %s*x6\nf ~ 0.4*w1 + -0.3*w2\ng ~ 0.5*f + 0.2*w1\nw1 ~~ 0.3*w2", loadings = 6),
  paths = list(model = "m ~ a*w1\ny1 ~ b*m + c*w1\ny2 ~ m\nab := a*b\nshare := ab / (ab + c)", latent = FALSE,
    truth = "m ~ %s*w1\ny1 ~ %s*m + 0.2*w1\ny2 ~ %s*m\ny1 ~~ 0.3*y2", loadings = 3),
  equal = list(model = "f =~ NA*x1 + a*x1 + a*x2 + start(0.9)*x3\ng =~ 0.8*x4 + b*x5 + b*x6\nf ~~ 1*f\nx1 ~~ v*x1\nx2 ~~ v*x2", latent = TRUE,
    truth = "f =~ %s*x1 + %s*x2 + %s*x3\ng =~ %s*x4 + %s*x5 + %s*x6\nf ~~ 0.4*g", loadings = 6),
  bifactor = list(model = "all =~ x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9\ns =~ x1 + x2 + x3\nt =~ x4 + x5 + x6\nu =~ x7 + x8 + x9", latent = TRUE,
    truth = "all =~ %s*x1 + %s*x2 + %s*x3 + %s*x4 + %s*x5 + %s*x6 + %s*x7 + %s*x8 + %s*x9\ns =~ 0.9*x1 + 0.8*x2 + 0.7*x3\nt =~ 0.8*x4 + 0.9*x5 + 0.8*x6\nu =~ 0.9*x7 + 0.7*x8 + 0.8*x9",
    loadings = 9))

settings <- list(
  ml = list(n = 200), means = list(n = 180, means = TRUE, information = "observed"), mlr = list(n = 220, estimator = "mlr", skew = TRUE),
  mlm = list(n = 200, estimator = "mlm", skew = TRUE),
  groups = list(n = 260, groups = TRUE, equal = c("loadings")), scalar = list(n = 260, groups = TRUE, estimator = "mlr", skew = TRUE,
    equal = c("loadings", "intercepts")), fiml = list(n = 200, missing = TRUE), robust = list(n = 220, missing = TRUE, estimator = "mlr", skew = TRUE))

figures <- c("npar", "chisq", "df", "pvalue", "baseline.chisq", "baseline.df", "cfi", "tli", "rmsea", "rmsea.ci.lower", "rmsea.ci.upper",
  "rmsea.pvalue", "srmr", "logl", "unrestricted.logl", "aic", "bic")
scaled <- c("chisq.scaled", "pvalue.scaled", "chisq.scaling.factor", "baseline.chisq.scaled", "baseline.chisq.scaling.factor", "cfi.scaled",
  "tli.scaled", "rmsea.scaled", "rmsea.ci.lower.scaled", "rmsea.ci.upper.scaled")
robust <- c("cfi.robust", "tli.robust", "rmsea.robust", "rmsea.ci.lower.robust", "rmsea.ci.upper.robust")

told <- function(fit, how) {
  e <- parameterEstimates(fit, standardized = FALSE); s <- standardizedSolution(fit)
  group <- function(t) if (is.null(t$group)) rep(1, nrow(t)) else t$group
  wanted <- c(figures, if (how$estimator != "ml") scaled, if (how$estimator != "ml" && !isTRUE(how$missing)) robust)
  fits <- as.list(fitMeasures(fit, wanted))
  if (how$estimator != "ml" && isTRUE(fits$df * fits$chisq.scaling.factor < 1)) fits$rmsea.ci.upper.scaled <- NULL  # 0 there, whatever chisq
  list(terms = paste(e$lhs, e$op, e$rhs), group = group(e), est = e$est, se = e$se,
    std_terms = paste(s$lhs, s$op, s$rhs), std_group = group(s), std = s$est.std, std_se = s$se,
    fit = fits, converged = lavInspect(fit, "converged"))
}

skewed <- function(d) { for (k in names(d)) { z <- d[[k]]; d[[k]] <- z + 0.35 * (z^2 - 1) }; d }
cases <- list(); number <- 0
for (s in names(structures)) for (w in names(settings)) {
  if (s == "bifactor" && w %in% c("groups", "scalar", "robust")) next
  if (s == "second" && w == "scalar") next  # lavaan frees the means of both orders, which cannot be told apart
  number <- number + 1; set.seed(1000 + number)
  it <- structures[[s]]; how <- settings[[w]]
  if (is.null(how$estimator)) how$estimator <- "ml"
  if (s == "bifactor") how$n <- 500
  if (s == "second") how$n <- how$n + 150
  load <- as.list(round(runif(it$loadings, 0.7, 1.1), 2))
  truth <- do.call(sprintf, c(list(it$truth), load))
  draw <- function(n, seed) simulateData(truth, sample.nobs = n, seed = seed, standardized = FALSE, orthogonal = TRUE)
  d <- draw(how$n, 1000 + number)
  if (isTRUE(how$skew)) d <- skewed(d)
  if (isTRUE(how$means) || isTRUE(how$groups)) for (k in names(d)) d[[k]] <- d[[k]] + round(runif(1, -1, 4), 1)
  d <- round(d, 3)
  if (isTRUE(how$missing)) for (k in setdiff(names(d), c("w1", "w2"))) d[[k]][runif(nrow(d)) < 0.12] <- NA
  if (isTRUE(how$missing)) d <- d[rowSums(!is.na(d[setdiff(names(d), c("w1", "w2"))])) > 0, ]
  arguments <- list(model = it$model, data = d, estimator = toupper(how$estimator),
    std.lv = s == "bifactor", orthogonal = s == "bifactor")
  if (isTRUE(how$means)) arguments$meanstructure <- TRUE
  if (!is.null(how$information)) arguments$information <- how$information
  equal <- how$equal
  if (!is.null(equal) && s == "paths") equal <- c("regressions")
  if (isTRUE(how$groups)) { d$shop <- rep(c("a", "b"), length.out = nrow(d)); d <- d[order(d$shop), ]
    arguments$data <- d; arguments$group <- "shop"; arguments$group.equal <- equal }
  if (isTRUE(how$missing)) { arguments$missing <- "ml"; arguments$em.h1.tol <- 1e-11; arguments$em.h1.iter.max <- 10000 }
  fit <- tryCatch(do.call(best, c("sem", arguments)), error = function(e) { message(s, " ", w, ": ", conditionMessage(e)); NULL })
  if (is.null(fit) || !lavInspect(fit, "converged")) { message("left out: ", s, " ", w); next }
  keep <- setdiff(names(d), "shop")
  cases[[paste(s, w, sep = "_")]] <- c(list(model = it$model, estimator = how$estimator, names = keep,
    rows = unname(lapply(keep, function(k) as.integer(round(1000 * d[[k]])))), shop = if (isTRUE(how$groups)) d$shop,
    means = isTRUE(how$means), information = how$information, missing = isTRUE(how$missing), equal = as.list(equal), bifactor = s == "bifactor"),
    told(fit, how))
}

data(HolzingerSwineford1939); data(PoliticalDemocracy)
H <- HolzingerSwineford1939[order(HolzingerSwineford1939$school), ]; items <- paste0("x", 1:9)
three <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
moments <- function(d) list(n = nrow(d), names = names(d), means = unname(colMeans(d)), covariance = unname(cov(d)))
plain <- list(estimator = "ml")
public <- list(
  holzinger = moments(H[items]), democracy = moments(PoliticalDemocracy),
  schools = lapply(split(H[items], H$school), moments),
  one = told(best("cfa", paste("g =~", paste(items, collapse = " + ")), H), plain),
  three = told(best("cfa", three, H), plain),
  second = told(best("cfa", paste0(three, "\nability =~ visual + textual + speed"), H), plain),
  democracy_fit = told(best("sem", "ind60 =~ x1 + x2 + x3\ndem60 =~ y1 + a*y2 + b*y3 + c*y4\ndem65 =~ y5 + a*y6 + b*y7 + c*y8
    dem60 ~ ind60\ndem65 ~ ind60 + dem60\ny1 ~~ y5\ny2 ~~ y4 + y6\ny3 ~~ y7\ny4 ~~ y8\ny6 ~~ y8", PoliticalDemocracy), plain))
fits <- list(configural = "none", metric = "loadings", scalar = c("loadings", "intercepts"), strict = c("loadings", "intercepts", "residuals"))
made <- lapply(fits, function(equal) best("cfa", three, H, group = "school", group.equal = equal))
public$invariance <- lapply(made, told, plain)
public$invariance_tests <- as.list(as.data.frame(lavTestLRT(made$configural, made$metric, made$scalar, made$strict)))
public$partial <- told(best("cfa", three, H, group = "school", group.equal = c("loadings", "intercepts"), group.partial = c("x3 ~ 1", "x7 ~ 1")), plain)
variants <- list(list(scaled = TRUE, equal = "none"), list(scaled = TRUE, equal = "loadings"), list(scaled = TRUE, equal = c("loadings", "intercepts")),
  list(scaled = FALSE, equal = c("loadings", "lv.variances", "lv.covariances")), list(scaled = TRUE, equal = c("loadings", "lv.variances")),
  list(scaled = FALSE, equal = c("loadings", "intercepts", "means")), list(scaled = FALSE, equal = c("loadings", "intercepts", "residuals", "lv.variances", "lv.covariances", "means")),
  list(scaled = FALSE, equal = c("regressions", "residual.covariances"), add = "\nx1 ~~ x4\nspeed ~ visual + textual"))
public$variants <- lapply(variants, function(v) c(v, told(best("sem", paste0(three, v$add), H, group = "school", group.equal = v$equal, std.lv = v$scaled), plain)))
f <- best("cfa", three, H); mi <- modindices(f)
public$modification <- list(terms = paste(mi$lhs, mi$op, mi$rhs), mi = mi$mi, epc = mi$epc, sepc = mi$sepc.all)
m <- modindices(best("cfa", three, H, group = "school", group.equal = "loadings"))
public$modification_groups <- list(terms = paste(m$lhs, m$op, m$rhs), group = m$group, mi = m$mi, epc = m$epc)
f2 <- best("cfa", three, H, meanstructure = TRUE, group = "school", group.equal = c("loadings", "intercepts"))
public$residuals <- list(raw = unname(residuals(f, "raw")$cov), cor = unname(residuals(f, "cor")$cov), standardized = unname(residuals(f, "standardized")$cov),
  group_standardized = unname(residuals(f2, "standardized")[[2]]$mean), group_cov = unname(residuals(f2, "standardized")[[2]]$cov))
set.seed(7); rough <- skewed(simulateData("f =~ x1 + 0.8*x2 + 0.7*x3\ng =~ x4 + 0.9*x5 + 0.8*x6\nf ~~ 0.5*g", 250, seed = 7)); rough <- round(rough, 3)
rows <- list(names = names(rough), rows = unname(lapply(rough, function(k) as.integer(round(1000 * k)))))
big <- "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6"; small <- "f =~ x1 + a*x2 + a*x3\ng =~ x4 + b*x5 + b*x6"
nest <- list(data = rows, big = big, small = small)
for (e in c("ML", "MLM", "MLR")) { one <- best("cfa", big, rough, estimator = e); two <- best("cfa", small, rough, estimator = e)
  t1 <- as.data.frame(if (e == "ML") lavTestLRT(one, two) else lavTestLRT(one, two, method = "satorra.bentler.2001"))[2, ]
  nest[[tolower(e)]] <- list(chi2 = t1[["Chisq diff"]], df = t1[["Df diff"]], p = t1[["Pr(>Chisq)"]])
  if (e != "ML") { t2 <- as.data.frame(lavTestLRT(one, two, method = "satorra.2000", scaled.shifted = FALSE))[2, ]
    nest[[paste0(tolower(e), "_2000")]] <- list(chi2 = t2[["Chisq diff"]], df = t2[["Df diff"]], p = t2[["Pr(>Chisq)"]]) } }
public$nested <- nest
mobi <- fromJSON("data/mobi/moments.json", simplifyVector = FALSE)
trap <- "Q =~ PERQ1 + PERQ2 + PERQ3 + PERQ4 + PERQ5 + PERQ6 + PERQ7\nS =~ CUSA1 + CUSA2 + CUSA3\nL =~ CUSL1 + CUSL3\nS ~ a*Q\nL ~ b*S + c*Q"
all <- mobi[["moments/all"]]; M <- full(lapply(all$covariance, unlist)); dimnames(M) <- list(unlist(all$names), unlist(all$names))
public$mobi <- c(list(model = trap), told(best("sem", trap, sample.cov = M, sample.nobs = all$n), plain))
out <- list(script = "latent.R", lavaan = as.character(packageVersion("lavaan")), cases = cases, public = public)
write(toJSON(out, digits = 10, auto_unbox = TRUE, null = "null", na = "null"), "tests/reference/latent.json")
