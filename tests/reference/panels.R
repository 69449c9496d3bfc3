# Effects of units and waves by lm with dummies and sandwich, and by plm; shares of variance by lme4.
# Rscript tests/reference/panels.R > tests/reference/panels.json
suppressMessages({library(plm); library(sandwich); library(lme4); library(jsonlite)})
RNGversion("3.6.0"); set.seed(8)

# A panel with missing waves; x goes with what lasts in a unit, z never changes, one text.
n <- 40; waves <- 5
d <- expand.grid(wave = 1:waves, who = 1:n)
trait <- rnorm(n); z <- round(rnorm(n), 3)
d$z <- z[d$who]
d$x <- round(0.8 * trait[d$who] + 0.2 * d$wave + rnorm(nrow(d)), 3)
d$s <- round(rexp(nrow(d)), 3)
d$plan <- sample(c("a", "b", "c"), nrow(d), TRUE)
d$y <- round(1 + 0.4 * d$x - 0.3 * d$s + 0.5 * d$z + trait[d$who] + 0.3 * (d$plan == "b") + sin(d$wave) +
  rnorm(nrow(d)) * (1 + 0.5 * abs(d$x)), 3)
d <- d[runif(nrow(d)) > 0.25, ]
d <- d[!(d$who %in% c(3, 7)) | d$wave == 2, ]  # one row each
row.names(d) <- NULL
many <- d[ave(d$wave, d$who, FUN = length) > 1, ]

told <- function(fit, data, names, K) {
  V <- vcovCL(fit, data$who, type = "HC0", cadjust = FALSE); G <- length(unique(data$who)); N <- nrow(data)
  V <- V * G / (G - 1) * (N - 1) / (N - K)
  list(names = names, value = unname(coef(fit)[names]), std_error = unname(sqrt(diag(V)[names])), V = unname(V[names, names]))
}
x <- c("x", "s", "planb", "planc"); W <- length(unique(many$wave))
both <- told(lm(y ~ x + s + plan + factor(who) + factor(wave), many), many, x, 4 + W)
unit <- told(lm(y ~ x + s + plan + factor(who), many), many, x, 4 + 1)
wave <- told(lm(y ~ x + s + plan + factor(wave), d), d, x, 4 + length(unique(d$wave)))
pooled <- told(lm(y ~ x + s + plan + factor(wave), many), many, x, 4 + W)
p <- pdata.frame(many, index = c("who", "wave"))
other <- plm(y ~ x + s + plan, p, effect = "twoways", model = "within")
arellano <- sqrt(diag(vcovHC(other, method = "arellano", type = "HC0", cluster = "group")))

# Means of units, and the unit's share of each wave.
m <- model.matrix(~ x + s + plan + z, d)[, -1]
means <- apply(m[, x], 2, function(each) ave(each, d$who)); colnames(means) <- paste0("mean_", x)
share <- apply(model.matrix(~ factor(wave), d)[, -1], 2, function(each) ave(each, d$who)); colnames(share) <- paste0("share", 2:waves)
e <- data.frame(y = d$y, who = d$who, wave = d$wave, m, means, share)
full <- lm(y ~ . - who - wave + factor(wave), e)
names <- c(x, paste0("mean_", x), "z"); K <- full$rank
mundlak <- told(full, d, names, K)
at <- 5:8; b <- mundlak$value[at]
mundlak$F <- drop(t(b) %*% solve(mundlak$V[at, at]) %*% b) / 4

data("Grunfeld", package = "plm"); g <- plm(inv ~ value + capital, Grunfeld, model = "within")
grunfeld <- list(value = unname(coef(g)))

# Products within brands, ratings within products, unequal numbers; one with a share of exactly 0.
brands <- 14
r <- do.call(rbind, lapply(1:brands, function(j) {
  u <- rnorm(1, sd = 0.6)
  do.call(rbind, lapply(1:sample(1:5, 1), function(k) {
    v <- rnorm(1, sd = 0.8); m <- sample(2:9, 1)
    data.frame(brand = j, product = 100 * j + k, ux = round(5 + u + v + rnorm(m), 3), cx = round(6 + u + rnorm(m), 3))
  }))
}))
layers <- function(name, kind) {
  f <- lmer(as.formula(paste(name, "~ 1 + (1 | brand/product)")), r, REML = kind == "reml",
    control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12)))
  v <- as.data.frame(VarCorr(f)); v <- setNames(v$vcov, v$grp)
  list(brand = unname(v["brand"]), product = unname(v["product:brand"]), rest = unname(v["Residual"]), mean = unname(fixef(f)),
    logLik = as.numeric(logLik(f)))
}
layer <- list(rows = r, ux_reml = layers("ux", "reml"), ux_ml = layers("ux", "ml"), cx_reml = layers("cx", "reml"))
write(toJSON(list(script = "panels.R", plm = as.character(packageVersion("plm")), lme4 = as.character(packageVersion("lme4")),
  rows = d, both = both, unit = unit, wave = wave, pooled = pooled,
  plm_twoways = list(value = unname(coef(other)), std_error = unname(arellano)), mundlak = mundlak, grunfeld = grunfeld,
  layers = layer), digits = 14, auto_unbox = TRUE, dataframe = "columns"), stdout())
