# One image for every service and app; the command chooses: `docker run lucihub dist/run-store.mjs`.
FROM node:20-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN npm ci && node tools/build.mjs && npm prune --omit=dev && rm -rf node_modules/@lucihub

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/dist dist
COPY --from=build /src/package.json /src/LICENSE /src/deploy/healthcheck.mjs ./
USER 10001:10001
EXPOSE 8080 9090
ENTRYPOINT ["node", "--enable-source-maps"]
CMD ["dist/api-gateway.mjs"]
