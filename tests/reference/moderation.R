# Latent interactions by products of items centred twice, and slopes by groups, as lavaan 0.6-14 fits them.
# Rscript tests/reference/moderation.R > tests/reference/moderation.json
library(lavaan)
library(jsonlite)

draw <- function(n, bend, kz) {
  x <- rnorm(n); z <- 0.5 * x + sqrt(0.75) * rnorm(n)
  y <- 0.4 * x + 0.3 * z - 0.2 * x * z + bend * x^2 + 0.7 * rnorm(n)
  items <- function(state, name, k) setNames(as.data.frame(sapply(1:k, function(i) c(1, 0.9, 0.8)[i] * state + 0.6 * rnorm(n) + 3)), paste0(name, 1:k))
  round(cbind(items(y, "y", 3), items(x, "x", 3), items(z, "z", kz)), 3)
}
centre <- function(v) v - mean(v)
cases <- list(plain = list(n = 300, bend = 0, kz = 3, quadratic = FALSE, estimator = "MLR"),
  squares = list(n = 350, bend = 0.15, kz = 3, quadratic = TRUE, estimator = "MLR"),
  uneven = list(n = 250, bend = 0, kz = 2, quadratic = FALSE, estimator = "ML"))
out <- list(lavaan = as.character(packageVersion("lavaan")))
for (name in names(cases)) {
  it <- cases[[name]]; set.seed(60 + match(name, names(cases))); d <- draw(it$n, it$bend, it$kz); raw <- d
  d[] <- lapply(d, centre)
  for (k in 1:it$kz) {
    d[[paste0("p", k)]] <- centre(d[[paste0("x", k)]] * d[[paste0("z", k)]])
    d[[paste0("q", k)]] <- centre(d[[paste0("x", k)]]^2); d[[paste0("r", k)]] <- centre(d[[paste0("z", k)]]^2)
  }
  kp <- it$kz
  list_of <- function(v, k) paste(paste0(v, 1:k), collapse = " + ")
  causes <- c("X", "Z", "P", if (it$quadratic) c("Q", "R")); labels <- c(X = "a", Z = "b", P = "c", Q = "d", R = "e")[causes]
  model <- c(sprintf("X =~ %s", list_of("x", 3)), sprintf("Z =~ %s", list_of("z", it$kz)), sprintf("Y =~ %s", list_of("y", 3)),
    sprintf("P =~ %s", list_of("p", kp)), sprintf("p%d ~~ x%d", 1:kp, 1:kp), sprintf("p%d ~~ z%d", 1:kp, 1:kp),
    if (it$quadratic) c(sprintf("Q =~ %s", list_of("q", kp)), sprintf("R =~ %s", list_of("r", kp)), sprintf("q%d ~~ x%d", 1:kp, 1:kp), sprintf("r%d ~~ z%d", 1:kp, 1:kp),
      sprintf("p%d ~~ q%d", 1:kp, 1:kp), sprintf("p%d ~~ r%d", 1:kp, 1:kp)),
    paste("Y ~", paste(labels, causes, sep = "*", collapse = " + ")), "Y ~~ res*Y")
  whole <- "res"
  for (i in seq_along(causes)) for (j in i:length(causes)) {
    v <- paste0("v", causes[i], causes[j]); model <- c(model, sprintf("%s ~~ %s*%s", causes[i], v, causes[j]))
    whole <- c(whole, sprintf("%s%s*%s*%s", if (i == j) "" else "2*", labels[i], labels[j], v))
  }
  at <- function(x, z) paste0(if (it$quadratic) sprintf("d*vXX*(%g) + e*vZZ*(%g) + ", x^2 - 1, z^2 - 1),
    sprintf("a*(%g)*sqrt(vXX) + b*(%g)*sqrt(vZZ) + c*((%g)*sqrt(vXX)*sqrt(vZZ) - vXZ)", x, z, x * z))
  model <- c(model, sprintf("vY := %s", paste(whole, collapse = " + ")),
    "interaction := c*sqrt(vXX)*sqrt(vZZ)/sqrt(vY)", "cause := a*sqrt(vXX)/sqrt(vY)", "moderator := b*sqrt(vZZ)/sqrt(vY)",
    if (it$quadratic) c("cause_squared := d*vXX/sqrt(vY)", "moderator_squared := e*vZZ/sqrt(vY)"),
    "raw_low := a - c*sqrt(vZZ)", "raw_high := a + 1.5*c*sqrt(vZZ)", "low := raw_low*sqrt(vXX)/sqrt(vY)", "high := raw_high*sqrt(vXX)/sqrt(vY)",
    sprintf("raw_soured := %s", at(-1, 1)), "soured := raw_soured/sqrt(vY)", sprintf("raw_both := %s", at(1, 2)), "both := raw_both/sqrt(vY)")
  fit <- sem(paste(model, collapse = "\n"), d, estimator = it$estimator)
  e <- parameterEstimates(fit); keep <- e$op == ":=" | (e$lhs == "Y" & e$op == "~")
  m <- fitMeasures(fit); wanted <- intersect(c("chisq", "df", "pvalue", "chisq.scaled", "pvalue.scaled", "cfi", "rmsea", "srmr"), names(m))
  out$cases[[name]] <- c(it, list(rows = lapply(raw, function(v) round(1000 * v)), terms = ifelse(e$op[keep] == "~", e$label[keep], e$lhs[keep]),
    est = e$est[keep], se = e$se[keep], fit = as.list(m[wanted])))
}

set.seed(70); parts <- lapply(1:3, function(g) {
  n <- c(200, 160, 180)[g]; x <- rnorm(n); y <- c(0.6, 0.2, 0.5)[g] * x + rnorm(n, sd = c(0.7, 0.9, 0.7)[g]) + 0.2 * g
  items <- function(state, name) setNames(as.data.frame(sapply(1:3, function(i) c(1, 0.9, 0.8)[i] * state + 0.6 * rnorm(n) + 3)), paste0(name, 1:3))
  cbind(round(cbind(items(y, "y"), items(x, "x")), 3), shop = letters[g])
}); d <- do.call(rbind, parts)
text <- "X =~ x1 + x2 + x3\nY =~ y1 + y2 + y3\n"
configural <- sem(paste0(text, "Y ~ X"), d, group = "shop", estimator = "MLR")
free <- sem(paste0(text, "Y ~ c(a, b, c)*X\nba := b - a\nca := c - a\ncb := c - b"), d, group = "shop", group.equal = "loadings", estimator = "MLR")
equal <- sem(paste0(text, "Y ~ X"), d, group = "shop", group.equal = c("loadings", "regressions"), estimator = "MLR")
test <- function(small, big) { a <- lavTestLRT(small, big, method = "satorra.bentler.2001"); list(chi2 = a[2, "Chisq diff"], df = a[2, "Df diff"], p = a[2, "Pr(>Chisq)"]) }
e <- parameterEstimates(free); keep <- e$op == ":=" | e$op == "~"; s <- standardizedSolution(free); s <- s[s$op == "~", ]
out$groups <- list(rows = lapply(d[1:6], function(v) round(1000 * v)), shop = d$shop, terms = ifelse(e$op[keep] == "~", e$label[keep], e$lhs[keep]),
  est = e$est[keep], se = e$se[keep], std = s$est.std, std_se = s$se, metric = test(free, configural), slopes = test(equal, free),
  fit = as.list(fitMeasures(free, c("chisq", "df", "chisq.scaled", "cfi.robust", "srmr"))))
cat(toJSON(out, digits = 12, auto_unbox = TRUE, na = "null"), "\n", sep = "")
