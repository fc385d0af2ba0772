# For machines other than Linux x86-64. The commands are those of README.md; tests run them outside of a container.
FROM node:20-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv g++ make \
    && rm -rf /var/lib/apt/lists/*

USER node
WORKDIR /home/node/ecg-transplant
COPY --chown=node:node . .

RUN npm run setup

CMD ["npm", "run", "doctor"]
