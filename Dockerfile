# One image for every service and app; the command chooses: `docker run lucihub dist/run-store.mjs`.
# The bundles stand alone: nothing but Node and dist/ is in the image.
FROM node:20-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN npm ci && node tools/build.mjs && rm dist/*.hash

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /src/dist dist
COPY --from=build /src/LICENSE /src/deploy/healthcheck.mjs ./
# A volume takes over who owns the directory it is first mounted on.
RUN install -d -o 10001 -g 10001 /var/lib/lucihub/journal
USER 10001:10001
EXPOSE 8080 9090
ENTRYPOINT ["node", "--enable-source-maps"]
CMD ["dist/api-gateway.mjs"]
