# Cross-lagged panel models with and without random intercepts, as lavaan 0.6-14 fits them.
# Rscript tests/reference/cross_lagged.R > tests/reference/cross_lagged.json
library(lavaan)
library(jsonlite)

lag <- function(state, waves, equal) unlist(lapply(2:waves, function(t) {
  label <- function(name) paste0(name, if (equal) "" else t)
  c(sprintf("%s%d ~ %s*%s%d + %s*%s%d", state["y"], t, label("b"), state["x"], t - 1, label("d"), state["y"], t - 1),
    sprintf("%s%d ~ %s*%s%d + %s*%s%d", state["x"], t, label("c"), state["y"], t - 1, label("a"), state["x"], t - 1),
    sprintf("%s%d ~~ %s%d", state["x"], t, state["y"], t))
}))
loaded <- function(name, items, t) paste(sprintf("%s*%s%d", c("1", if (length(items) > 1) paste0("l", name, 2:length(items))), items, t), collapse = " + ")
own <- function(name, items, waves) if (length(items) == 1) NULL else unlist(lapply(seq_along(items), function(k)
  apply(combn(waves, 2), 2, function(p) sprintf("%s%d ~~ s%s%d*%s%d", items[k], p[1], name, k, items[k], p[2]))))
random <- function(items, waves, equal) {
  lines <- c()
  for (name in c("x", "y")) {
    every <- sapply(1:waves, function(t) loaded(name, items[[name]], t))
    lines <- c(lines, sprintf("w%s%d =~ %s", name, 1:waves, every), sprintf("r%s =~ %s", name, paste(every, collapse = " + ")))
    if (length(items[[name]]) == 1) lines <- c(lines, sprintf("%s%d ~~ 0*%s%d", items[[name]], 1:waves, items[[name]], 1:waves))
    lines <- c(lines, own(name, items[[name]], waves))
  }
  paste(c(lines, lag(c(x = "wx", y = "wy"), waves, equal), "wx1 ~~ wy1", "rx ~~ ry", "rx ~~ 0*wx1", "rx ~~ 0*wy1", "ry ~~ 0*wx1", "ry ~~ 0*wy1"), collapse = "\n")
}
classic <- function(items, waves, equal) {
  lines <- c(); state <- c(x = "x", y = "y")
  for (name in c("x", "y")) if (length(items[[name]]) > 1) {
    state[name] <- paste0("f", name)
    lines <- c(lines, sprintf("f%s%d =~ %s", name, 1:waves, sapply(1:waves, function(t) loaded(name, items[[name]], t))), own(name, items[[name]], waves))
  }
  paste(c(lines, lag(state, waves, equal), sprintf("%s1 ~~ %s1", state["x"], state["y"])), collapse = "\n")
}

# Derivatives by central differences of any figure of the implied moments of all variables.
error <- function(fit, figure) {
  model <- fit@Model; theta <- coef(fit); free <- lav_model_get_parameters(model)
  at <- function(p) {
    moved <- lav_model_set_parameters(model, p)
    beta <- moved@GLIST$beta; psi <- moved@GLIST$psi; b <- solve(diag(nrow(psi)) - (if (is.null(beta)) 0 * psi else beta))
    figure(b %*% psi %*% t(b), if (is.null(beta)) 0 * psi else beta)
  }
  h <- 1e-5; n <- length(free)
  slope <- sapply(1:n, function(k) { e <- replace(numeric(n), k, h); (at(free + e) - at(free - e)) / (2 * h) })
  list(value = at(free), se = sqrt(c(t(slope) %*% fit@vcov$vcov %*% slope)))
}
told <- function(fit, state, waves, random) {
  names <- lav_names(fit); at <- function(v, t) match(paste0(v, t), names)
  lagged <- function(to, from, std) function(p, b) mean(sapply(2:waves, function(t) {
    i <- at(to, t); j <- at(from, t - 1); b[i, j] * (if (std) sqrt(p[j, j] / p[i, i]) else 1) }))
  x <- state["x"]; y <- state["y"]; out <- list()
  for (std in c(TRUE, FALSE)) {
    kind <- if (std) "std" else "raw"
    own <- list(x_to_y = lagged(y, x, std), y_to_x = lagged(x, y, std), x_to_x = lagged(x, x, std), y_to_y = lagged(y, y, std),
      within_correlation = function(p, b) mean(sapply(1:waves, function(t) { i <- at(x, t); j <- at(y, t)
        p[i, j] / (if (std) sqrt(p[i, i] * p[j, j]) else 1) })))
    if (std) own$difference <- function(p, b) lagged(y, x, TRUE)(p, b) - lagged(x, y, TRUE)(p, b)
    if (random) {
      r <- match(c("rx", "ry"), names)
      own$ri_correlation <- function(p, b) p[r[1], r[2]] / (if (std) sqrt(p[r[1], r[1]] * p[r[2], r[2]]) else 1)
      for (k in 1:2) local({ k <- k; own[[c("ri_x", "ri_y")[k]]] <<- function(p, b) {
        v <- p[r[k], r[k]]; if (std) mean(sapply(1:waves, function(t) { i <- at(c(x, y)[k], t); v / (v + p[i, i]) })) else v } })
    }
    out[[kind]] <- lapply(own, function(f) error(fit, f))
  }
  m <- fitMeasures(fit)
  wanted <- intersect(c("chisq", "df", "pvalue", "chisq.scaled", "pvalue.scaled", "cfi", "rmsea", "rmsea.ci.lower", "rmsea.ci.upper", "srmr"), names(m))
  list(terms = out, fit = as.list(m[wanted]), npar = unname(m["npar"]))
}
lav_names <- function(fit) fit@Model@dimNames[[which(names(fit@Model@GLIST) == "psi")[1]]][[1]]

draw <- function(n, waves, many) {
  trait <- matrix(rnorm(2 * n), n) %*% chol(matrix(c(0.8, 0.4, 0.4, 0.6), 2))
  x <- rnorm(n); y <- 0.3 * x + rnorm(n); out <- list()
  for (t in 1:waves) {
    if (t > 1) { e <- rnorm(n); f <- 0.3 * e + rnorm(n); nx <- 0.3 * x + 0.1 * y + e; y <- 0.25 * x + 0.2 * y + f; x <- nx }
    for (name in c("x", "y")) {
      state <- (if (name == "x") x else y) + trait[, if (name == "x") 1 else 2] + 0.1 * t
      if (many == 1) out[[paste0(name, t)]] <- state
      else for (k in 1:many) out[[paste0(name, k, "_", t)]] <- c(1, 0.8, 1.1)[k] * state + rnorm(n, sd = 0.7)
    }
  }
  as.data.frame(out)
}
cases <- list(
  full = list(n = 300, waves = 4, many = 1, equal = TRUE, estimator = "ML", gone = 0),
  free = list(n = 260, waves = 3, many = 1, equal = FALSE, estimator = "ML", gone = 0.15),
  robust = list(n = 320, waves = 4, many = 1, equal = TRUE, estimator = "MLR", gone = 0.2, skew = TRUE),
  items = list(n = 350, waves = 3, many = 3, equal = TRUE, estimator = "ML", gone = 0.15))
out <- list(lavaan = as.character(packageVersion("lavaan")))
for (name in names(cases)) {
  it <- cases[[name]]; set.seed(40 + match(name, names(cases)))
  d <- draw(it$n, it$waves, it$many)
  if (isTRUE(it$skew)) for (k in names(d)) d[[k]] <- d[[k]] + 0.2 * d[[k]]^2
  d <- round(d, 3)
  if (it$gone > 0) for (t in 2:it$waves) d[runif(it$n) < it$gone, grep(paste0("[xy_]", t, "$"), names(d))] <- NA
  if (it$gone > 0) for (k in names(d)) d[[k]][runif(it$n) < (if (it$many == 1) 0.04 else 0.003)] <- NA
  items <- if (it$many == 1) list(x = "x", y = "y") else list(x = paste0("x", 1:3, "_"), y = paste0("y", 1:3, "_"))
  fit <- function(text) lavaan::sem(text, d, estimator = it$estimator, missing = "ml", fixed.x = FALSE, meanstructure = TRUE)
  ri <- fit(random(items, it$waves, it$equal)); other <- fit(random(items, it$waves, !it$equal)); cl <- fit(classic(items, it$waves, it$equal))
  test <- function(small, big) { a <- lavTestLRT(small, big, method = "satorra.bentler.2001"); list(chi2 = a[2, "Chisq diff"], df = a[2, "Df diff"], p = a[2, "Pr(>Chisq)"]) }
  lags <- if (it$equal) test(ri, other) else test(other, ri)
  flat <- if (it$many == 1) c(x = "x", y = "y") else c(x = "fx", y = "fy")
  out$cases[[name]] <- c(it, list(names = names(d), rows = lapply(d, function(v) round(1000 * v)),
    random = told(ri, c(x = "wx", y = "wy"), it$waves, TRUE), classic = told(cl, flat, it$waves, FALSE), equal_lags = lags, no_traits = test(cl, ri)))
}
cat(toJSON(out, digits = 12, auto_unbox = TRUE, na = "null"), "\n", sep = "")
