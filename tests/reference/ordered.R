# Makes ordered.json: cumulative link models of the wine and housing counts, and of answers drawn here with ties, weights,
# repeated units and an answer that nobody chose, by ordinal's clm, MASS's polr, sandwich, and Brant's test by hand.
# Rscript tests/reference/ordered.R (from the project's root; ordinal 2022.11-16, MASS 7.3-58, sandwich 3.0-2, R 4.2)
suppressMessages({library(ordinal); library(MASS); library(sandwich); library(jsonlite)})
control <- clm.control(gradTol = 1e-10, maxIter = 200)
out <- list(script = "ordered.R", ordinal = as.character(packageVersion("ordinal")))
tidy <- function(f, V = vcov(f)) list(names = names(coef(f)), value = unname(coef(f)), error = unname(sqrt(diag(V))),
  logLik = as.numeric(logLik(f)), AIC = AIC(f), BIC = BIC(f))

# wine: 72 ratings as counts
w <- as.data.frame(xtabs(~ rating + temp + contact, wine)); w <- w[w$Freq > 0, ]
out$wine <- list(counts = w,
  logit = tidy(clm(rating ~ temp + contact, data = wine, control = control)),
  probit = tidy(clm(rating ~ temp * contact, data = wine, link = "probit", control = control)),
  nominal = tidy(clm(rating ~ temp, nominal = ~ contact, data = wine, control = control)))
f <- clm(rating ~ temp + contact, data = wine, control = control)
p <- predict(f, data.frame(temp = "warm", contact = "no"), se.fit = TRUE, interval = TRUE)
out$wine$predicted <- lapply(p[c("fit", "se.fit", "lwr", "upr")], as.numeric)

# housing: 1,681 answers as counts
h <- housing; f <- clm(Sat ~ Infl + Type + Cont, weights = Freq, data = h, control = control)
out$housing <- list(counts = h, logit = tidy(f), polr_logLik = as.numeric(logLik(polr(Sat ~ Infl + Type + Cont, weights = Freq, data = h))),
  nominal = tidy(clm(Sat ~ Infl + Type, nominal = ~ Cont, weights = Freq, data = h, control = control)))

# drawn: 0 to 10, 4 of which nobody answers
set.seed(305)
n <- 500
d <- data.frame(unit = rep(1:60, length.out = n), ease = sample(1:5, n, TRUE, c(1, 2, 3, 4, 2)), help = sample(1:7, n, TRUE),
  segment = sample(c("app", "shop", "web"), n, TRUE), w = round(rgamma(n, 2, 2) + 0.05, 2))
latent <- 0.5 * d$ease + 0.2 * d$help + 0.6 * (d$segment == "web") + rep(rnorm(60, 0, 0.7), length.out = n) + rlogis(n)
d$recommend <- as.integer(cut(latent, c(-Inf, -1.2, -0.4, 0.3, 0.9, 1.6, 2.2, 2.9, 3.7, 4.8, Inf))) - 1L
d$recommend <- ifelse(d$recommend >= 4L, d$recommend + 1L, d$recommend)
d$y <- factor(d$recommend); d$segment <- factor(d$segment)

plain <- clm(y ~ ease + help + segment, data = d, control = control)
weighted <- clm(y ~ ease + help + segment, data = d, weights = w, control = control)
cl <- function(f) vcovCL(f, cluster = d$unit, type = "HC1", cadjust = TRUE)
rob <- function(f) sandwich(f) * n / (n - length(coef(f)))
f0 <- clm(y ~ 1, data = d, control = control); line <- as.matrix(cbind(d$ease, d$help, d$segment == "shop", d$segment == "web")) %*% plain$beta
out$drawn <- list(rows = d[, c("unit", "ease", "help", "segment", "w", "recommend")],
  logit = tidy(plain), probit = tidy(clm(y ~ ease * segment + I(help^2), data = d, link = "probit", control = control)), robust = tidy(plain, rob(plain)),
  cluster = tidy(plain, cl(plain)), weighted = tidy(weighted, rob(weighted)), weighted_cluster = tidy(weighted, cl(weighted)),
  McFadden = 1 - as.numeric(logLik(plain) / logLik(f0)),
  McKelveyZavoina = mean((line - mean(line))^2) / (mean((line - mean(line))^2) + pi^2 / 3))
d$y4 <- cut(d$recommend, c(-1, 3, 6, 8, 10)); levels(d$y4) <- 1:4
out$drawn$nominal <- tidy(clm(y4 ~ help, nominal = ~ ease + segment, data = d, control = control))

# Brant 1990: logits of y > j, joint covariance from the fitted chances, Wald tests of equal slopes
brant <- function(y, X, freq = rep(1, length(y))) {
  y <- as.integer(y); J <- max(y) - 1; p <- ncol(X); D <- cbind(1, X)
  f <- lapply(1:J, function(j) glm(as.integer(y > j) ~ X, family = binomial, weights = freq, control = glm.control(1e-14, 100)))
  pi <- sapply(f, fitted); V <- matrix(0, J * p, J * p)
  B <- lapply(1:J, function(j) solve(t(D) %*% (D * (freq * pi[, j] * (1 - pi[, j])))))
  for (j in 1:J) for (l in j:J) {
    S <- B[[j]] %*% (t(D) %*% (D * (freq * (pi[, l] - pi[, j] * pi[, l])))) %*% B[[l]]
    a <- (j - 1) * p + 1:p; b <- (l - 1) * p + 1:p; V[a, b] <- S[-1, -1]; V[b, a] <- t(S[-1, -1])
  }
  beta <- as.vector(sapply(f, function(m) coef(m)[-1]))
  wald <- function(k) { C <- NULL
    for (j in 2:J) for (i in k) { r <- numeric(J * p); r[i] <- 1; r[(j - 1) * p + i] <- -1; C <- rbind(C, r) }
    g <- C %*% beta; x <- as.numeric(t(g) %*% solve(C %*% V %*% t(C)) %*% g); c(x, nrow(C), pchisq(x, nrow(C), lower.tail = FALSE)) }
  wald }
X <- model.matrix(~ ease + help + segment, d)[, -1]; b <- brant(d$y4, X)
out$drawn$brant <- list(all = b(1:4), ease = b(1), help = b(2), segment = b(3:4))
X <- model.matrix(~ Infl + Type + Cont, h)[, -1]; b <- brant(h$Sat, X, h$Freq)
out$housing$brant <- list(all = b(1:6), Infl = b(1:2), Type = b(3:5), Cont = b(6))
write(toJSON(out, digits = 14, auto_unbox = TRUE, dataframe = "columns"), "tests/reference/ordered.json")
