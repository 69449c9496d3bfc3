# Makes regression.json: linear and logistic regressions of MASS's birthwt (as counts) and of answers drawn here with ties,
# weights, frequencies and repeated units, by lm, glm and sandwich.
# Rscript tests/reference/regression.R (from the project's root; MASS 7.3-58, sandwich 3.0-2, R 4.2)
suppressMessages({library(MASS); library(sandwich); library(jsonlite)})
tidy <- function(f, V = vcov(f)) list(names = names(coef(f)), value = unname(coef(f)), error = unname(sqrt(diag(V))))
tight <- glm.control(1e-15, 100)
set.seed(2020)
n <- 400
d <- data.frame(unit = rep(1:45, length.out = n), ease = sample(1:5, n, TRUE), help = sample(1:7, n, TRUE),
  segment = factor(sample(c("app", "shop", "web"), n, TRUE)), w = round(rgamma(n, 2, 2) + 0.05, 2), f = sample(0:4, n, TRUE))
u <- rep(rnorm(45, 0, 0.5), length.out = n)
d$rating <- pmin(pmax(round(1 + 0.7 * d$ease + 0.3 * d$help + u + rnorm(n) * d$ease / 3), 0), 10)
d$stayed <- as.integer(-2 + 0.5 * d$ease + 0.8 * (d$segment == "web") + u + rlogis(n) > 0)
cl <- function(f, units = d$unit) vcovCL(f, cluster = units, type = "HC1", cadjust = TRUE)
lin <- lm(rating ~ ease * segment + help, d); lw <- lm(rating ~ ease * segment + help, d, weights = w)
bin <- glm(stayed ~ ease + segment + help, binomial, d, control = tight)
suppressWarnings(bw <- glm(stayed ~ ease + segment + help, binomial, d, weights = w, control = tight))
rob <- function(f) vcovHC(f, "HC1"); mz <- function(f) { v <- var(predict(f)) * (n - 1) / n; v / (v + pi^2 / 3) }
many <- d[rep(seq_len(n), d$f), ]
lf <- lm(rating ~ ease + log(help), many); bf <- glm(stayed ~ ease + C(factor(help)), binomial, many, control = tight)
out <- list(script = "regression.R", sandwich = as.character(packageVersion("sandwich")), rows = d,
  linear = list(observed = tidy(lin), robust = tidy(lin, vcovHC(lin, "HC1")), cluster = tidy(lin, cl(lin)),
    weighted = tidy(lw, vcovHC(lw, "HC1")), weighted_cluster = tidy(lw, cl(lw)),
    frequency = tidy(lf, vcovHC(lf, "HC1")), frequency_cluster = tidy(lf, cl(lf, many$unit)),
    r2 = summary(lin)$r.squared, adjusted = summary(lin)$adj.r.squared, sigma = summary(lin)$sigma, weighted_r2 = summary(lw)$r.squared,
    none = tidy(lm(rating ~ 0 + segment + ease, d)), none_r2 = summary(lm(rating ~ 0 + segment + ease, d))$r.squared),
  logit = list(observed = tidy(bin), robust = tidy(bin, rob(bin)), cluster = tidy(bin, cl(bin)), weighted = tidy(bw, rob(bw)),
    weighted_cluster = tidy(bw, cl(bw)), frequency = tidy(bf), logLik = as.numeric(logLik(bin)), AIC = AIC(bin), BIC = BIC(bin), McKelveyZavoina = mz(bin),
    none = tidy(glm(stayed ~ 0 + ease + help, binomial, d, control = tight))))
b <- aggregate(list(n = rep(1L, nrow(birthwt))), birthwt[c("low", "age", "lwt", "race", "smoke")], sum)
f <- glm(low ~ age + lwt + factor(race) + smoke, binomial, birthwt, control = tight)
out$birthwt <- c(list(counts = b, logLik = as.numeric(logLik(f)), Brier = mean((birthwt$low - fitted(f))^2)), tidy(f))
write(toJSON(out, digits = 14, auto_unbox = TRUE, dataframe = "columns"), "tests/reference/regression.json")
